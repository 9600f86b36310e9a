-- Puts a due row aside for good. ARGV: 3 now (ms), 4 id, 5 why, 6 bound of given-up rows.
local value = redis.call('ZSCORE', due, ARGV[4]) and redis.call('HGET', values, ARGV[4])
if not value then return 0 end
give_up(ARGV[4], value, ARGV[3], ARGV[5], ARGV[6])
note_earliest()
return 1
