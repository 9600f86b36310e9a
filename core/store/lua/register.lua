-- Makes a placed name a registered user. ARGV: 3 id, 4 number, 5 packed profile, 6 password hash (may be empty).
-- Returns 1, or 0 when it is registered.
if redis.call('HSETNX', prefix .. 'p', ARGV[3], ARGV[5]) == 0 then return 0 end
redis.call('ZADD', prefix .. 'z', ARGV[4], ARGV[3])
if ARGV[6] ~= '' then redis.call('HSET', prefix .. 's', ARGV[3], ARGV[6]) end
return 1
