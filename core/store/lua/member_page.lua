-- Present members in the order in which they joined. ARGV: 3 identity, 4 cursor (an exclusive place in that order; 0: from the
-- end at which one starts), 5 newest first, 6 how many.
-- Returns {how many there are, cursor (0 at the end), number, id, role, joined, …}; nothing when there is no such group.
local group, cursor, limit = group_of(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6])
if not group then return false end
local present = prefix .. 'a:' .. group.conversation
local rows
if ARGV[5] == '1' then
  local from = cursor > 0 and '(' .. ARGV[4] or '+inf'
  rows = redis.call('ZRANGE', present, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, limit + 1, 'WITHSCORES')
else
  rows = redis.call('ZRANGE', present, '(' .. ARGV[4], '+inf', 'BYSCORE', 'LIMIT', 0, limit + 1, 'WITHSCORES')
end
local result = {redis.call('ZCARD', present), 0}
for index = 1, math.min(#rows, 2 * limit), 2 do
  local row = cmsgpack.unpack(redis.call('HGET', prefix .. 'm:' .. group.conversation, rows[index]))
  result[#result + 1] = rows[index]
  for field = 1, 3 do result[#result + 1] = row[field] end
end
if #rows > 2 * limit then result[2] = tonumber(rows[2 * limit]) end
return result
