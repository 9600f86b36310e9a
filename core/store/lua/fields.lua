-- Fields of a hash. ARGV: 3 which, as it is called behind the tenant's prefix, 4… fields.
return redis.call('HMGET', prefix .. ARGV[3], unpack(ARGV, 4))
