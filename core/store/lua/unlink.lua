-- Takes back that a foreign id leads to a message. ARGV: 3 dialect and id, 4 message.
if redis.call('HGET', prefix .. 'i', ARGV[3]) == ARGV[4] then redis.call('HDEL', prefix .. 'i', ARGV[3]) end
return 1
