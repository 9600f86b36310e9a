-- Takes a user's names, profile and lists away, the names unless they have another number by now. ARGV: 3 id, 4 folded id, 5 number.
if redis.call('HGET', prefix .. 'u', ARGV[3]) == ARGV[5] then
  redis.call('HDEL', prefix .. 'u', ARGV[3])
  if redis.call('HGET', prefix .. 'f', ARGV[4]) == ARGV[3] then redis.call('HDEL', prefix .. 'f', ARGV[4]) end
  redis.call('HDEL', prefix .. 'p', ARGV[3])
  redis.call('HDEL', prefix .. 's', ARGV[3])
  redis.call('ZREM', prefix .. 'z', ARGV[3])
end
unlink(relations_of(ARGV[5]))
redis.call('HDEL', prefix .. 'pr', ARGV[5])
return redis.call('HDEL', prefix .. 'w', ARGV[5])
