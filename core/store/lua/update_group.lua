-- Replaces a group's profile if it still is what the caller read. ARGV: 3 identity, 4 packed group as read, 5 the new one.
-- Returns 1, or 0 when another was faster.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation or redis.call('HGET', prefix .. 'c:' .. conversation, 'g') ~= ARGV[4] then return 0 end
redis.call('HSET', prefix .. 'c:' .. conversation, 'g', ARGV[5])
return 1
