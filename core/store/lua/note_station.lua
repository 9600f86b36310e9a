-- Notes something of a station, as long as it is bound as the caller knows. KEYS: 1 the station. ARGV: 1 packed binding, 2 name,
-- 3 value, 4 whether the first value that was noted stays. Returns the value that stands now, nothing for another binding.
if redis.call('HGET', KEYS[1], 'b') ~= ARGV[1] then return false end
redis.call(ARGV[4] == '1' and 'HSETNX' or 'HSET', KEYS[1], 'n' .. ARGV[2], ARGV[3])
return redis.call('HGET', KEYS[1], 'n' .. ARGV[2])
