-- Counts an attempt to log in and gives what it is checked against. Counting comes first, so that attempts at the same moment
-- are no way round the limit.
-- ARGV: 3 id, 4 how many attempts a window takes, 5 the window (ms).
-- Returns {ms to wait (0: go on), packed profile, password hash}.
local key = prefix .. 'at:' .. ARGV[3]
local count = redis.call('INCR', key)
if count == 1 then redis.call('PEXPIRE', key, ARGV[5]) end
if count > tonumber(ARGV[4]) then return {math.max(redis.call('PTTL', key), 1)} end
return {0, redis.call('HGET', prefix .. 'p', ARGV[3]), redis.call('HGET', prefix .. 's', ARGV[3])}
