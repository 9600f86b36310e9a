-- Lets a topic's number lead to its conversation. ARGV: 3 number, 4 identity.
return redis.call('HSETNX', prefix .. 'ti', ARGV[3], ARGV[4])
