-- Makes a given-up row due again, as if it had never been tried. ARGV: 3 now (ms), 4 id. Returns 1, or 0 for none.
if redis.call('ZREM', failed, ARGV[4]) == 0 then return 0 end
local time, _, action = read_row(redis.call('HGET', values, ARGV[4]))
write_row(ARGV[4], time, 0, '', action)
redis.call('ZADD', due, ARGV[3], ARGV[4])
note_earliest()
return 1
