-- Groups of this partition of which a user is a member, by number. ARGV: 3 user's number, 4 `ug:` (groups) or `ur:` (rooms),
-- 5 number to go on after, 6 how many. Returns {how many there are, number, packed group, how many members, …}.
local key = prefix .. ARGV[4] .. ARGV[3]
local result = {redis.call('ZCARD', key)}
if result[1] == 0 then return result end
for _, number in ipairs(redis.call('ZRANGE', key, '(' .. ARGV[5], '+inf', 'BYSCORE', 'LIMIT', 0, ARGV[6])) do
  local conversation = redis.call('HGET', prefix .. 'n', 'g' .. number)
  result[#result + 1] = tonumber(number)
  result[#result + 1] = redis.call('HGET', prefix .. 'c:' .. conversation, 'g')
  result[#result + 1] = redis.call('ZCARD', prefix .. 'a:' .. conversation)
end
return result
