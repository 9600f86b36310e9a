-- Makes a placed name a registered user. ARGV: 3 id, 4 number, 5 packed profile, 6 password hash (may be empty).
-- Returns 1, or 0 when it is registered.
if redis.call('HSETNX', prefix .. 'p', ARGV[3], ARGV[5]) == 0 then
  -- The salt is random: who comes with the very hash that is here repeats after a lost answer.
  return ARGV[6] ~= '' and redis.call('HGET', prefix .. 's', ARGV[3]) == ARGV[6] and 1 or 0
end
redis.call('ZADD', prefix .. 'z', ARGV[4], ARGV[3])
if ARGV[6] ~= '' then redis.call('HSET', prefix .. 's', ARGV[3], ARGV[6]) end
return 1
