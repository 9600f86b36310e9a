-- The value of one due row. ARGV: 3 id.
return redis.call('HGET', values, ARGV[3])
