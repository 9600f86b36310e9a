-- Takes numbers of which a tenant has one sequence. ARGV: 3 counter, 4 how many, 5 the highest number allowed.
-- Returns the last number taken; error FULL.
local taken = tonumber(redis.call('HGET', prefix .. 'q', ARGV[3]) or '0')
if taken + tonumber(ARGV[4]) > tonumber(ARGV[5]) then return redis.error_reply('-FULL refused') end
return redis.call('HINCRBY', prefix .. 'q', ARGV[3], ARGV[4])
