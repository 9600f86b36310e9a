-- Leads a foreign id to a message, unless it leads to one already. ARGV: 3 dialect and id, 4 message.
-- Returns the message that it leads to.
redis.call('HSETNX', prefix .. 'i', ARGV[3], ARGV[4])
return redis.call('HGET', prefix .. 'i', ARGV[3])
