-- Rows of the map of foreign ids. ARGV: 3 which hash (`i`, or `ic:CONVERSATION`), 4… fields.
return redis.call('HMGET', prefix .. ARGV[3], unpack(ARGV, 4))
