-- A field of a user's rows. ARGV: 3 which hash (p profile, s password hash), 4 id. Returns it, or nothing.
return redis.call('HGET', prefix .. ARGV[3], ARGV[4])
