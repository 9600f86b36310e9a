-- Topics of a conversation. ARGV: 3 identity, then `numbers` and numbers, or `alias` and an alias, whose newest topic it is, or
-- `after` a number and how many, in the order of their numbers.
-- Returns the packed topics; nothing in place of one that the conversation has not.
local conversation, what = redis.call('HGET', prefix .. 'n', ARGV[3]), ARGV[4]
if not conversation and what == 'after' then return {} end
local key = prefix .. 'o:' .. (conversation or '')
local wanted = {}
if what == 'numbers' then
  for index = 5, #ARGV do wanted[#wanted + 1] = ARGV[index] end
elseif what == 'alias' then
  wanted[1] = redis.call('HGET', key, 'r' .. ARGV[5]) or '0'
else
  wanted = redis.call('ZRANGE', prefix .. 'oz:' .. conversation, '(' .. ARGV[5], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[6])
end
if #wanted == 0 then return {} end
return redis.call('HMGET', key, unpack(wanted))
