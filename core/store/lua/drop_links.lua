-- Takes foreign ids from messages. ARGV: 3 conversation, 4… fields.
return redis.call('HDEL', prefix .. 'ic:' .. ARGV[3], unpack(ARGV, 4))
