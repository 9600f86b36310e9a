-- Forgets how far a walk was. ARGV: 3 the walk.
return redis.call('HDEL', prefix .. 'wk', ARGV[3])
