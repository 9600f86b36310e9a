-- The messages that were put into a user's bin last. ARGV: 3 user's number, 4 how many. Returns ids.
return redis.call('ZRANGE', prefix .. 'bin:' .. ARGV[3], 0, tonumber(ARGV[4]) - 1, 'REV')
