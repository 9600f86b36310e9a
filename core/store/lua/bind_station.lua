-- Notes whose a station is from now on; what was noted of it before goes. KEYS: 1 the station. ARGV: 1 packed binding, 2 how long it
-- is kept (ms), 3… names and values of notes.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'b', ARGV[1])
for index = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], 'n' .. ARGV[index], ARGV[index + 1]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
