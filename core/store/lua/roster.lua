-- Profiles of this partition's registered users in order of their numbers. ARGV: 3 after this number, 4 how many.
local ids = redis.call('ZRANGE', prefix .. 'z', '(' .. ARGV[3], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[4])
if #ids == 0 then return {} end
return redis.call('HMGET', prefix .. 'p', unpack(ids))
