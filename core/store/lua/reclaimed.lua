-- Notes how far the keys of a generation that has ended are deleted. KEYS[1] is the hash of those. ARGV: 1 the generation's field,
-- 2 what was noted before, 3 what is to be noted (empty: nothing is left). Returns 0 when another was faster.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1
