-- Notes that a user is to be erased, also on a full server: that makes room. KEYS[1] is the hash of the erasures under way. ARGV:
-- 1 the erasure's field, 2 the packed erasure.
return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
