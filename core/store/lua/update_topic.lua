-- Replaces a topic if it still is what the caller read. ARGV: 3 identity, 4 number, 5 packed topic as read, 6 the new one.
-- Returns 1, or 0 when another was faster.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
local key = conversation and prefix .. 'o:' .. conversation
if not key or redis.call('HGET', key, ARGV[4]) ~= ARGV[5] then return 0 end
redis.call('HSET', key, ARGV[4], ARGV[6])
return 1
