-- Notes something of a station, as long as it is bound as the caller knows. KEYS: 1 the station. ARGV: 1 packed binding, 2 name,
-- 3 value, 4 whether the first value that was noted stays. Returns the value that stands now, nothing for another binding.
if redis.call('HGET', KEYS[1], 'b') ~= ARGV[1] then return false end
local field = 'n' .. ARGV[2]
if ARGV[4] == '1' then
  redis.call('HSETNX', KEYS[1], field, ARGV[3])
else
  redis.call('HSET', KEYS[1], field, ARGV[3])
end
return redis.call('HGET', KEYS[1], field)
