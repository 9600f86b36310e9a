-- Notes what a topic is called, so that all of a name are found. ARGV: 3 alias, 4 number in ten digits.
return redis.call('ZADD', prefix .. 'tn', 0, ARGV[3] .. '\0' .. ARGV[4])
