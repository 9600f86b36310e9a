-- Takes messages out of a user's bin. ARGV: 3 user's number, 4… ids of messages. Returns 1 for each that was in it, else 0.
local key, found = prefix .. 'bin:' .. ARGV[3], {}
for index = 4, #ARGV do found[index - 3] = redis.call('ZREM', key, ARGV[index]) end
return found
