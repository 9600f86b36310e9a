-- Puts messages into a user's bin, of which the last so many stay. ARGV: 3 user's number, 4 now (ms), 5 bound, 6… ids of messages.
local key = prefix .. 'bin:' .. ARGV[3]
for index = 6, #ARGV do redis.call('ZADD', key, ARGV[4], ARGV[index]) end
redis.call('ZREMRANGEBYRANK', key, 0, -1 - tonumber(ARGV[5]))
return 1
