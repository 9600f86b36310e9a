-- Forgets the attempts to log in, after one that succeeded. ARGV: 3 id.
return redis.call('DEL', prefix .. 'at:' .. ARGV[3])
