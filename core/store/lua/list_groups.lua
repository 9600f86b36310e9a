-- Groups of this partition by creation. ARGV: 3 `lg` (groups) or `lr` (rooms), 4 place in the list to go on after (empty: from the
-- end at which one starts), 5 newest first, 6 how many.
-- Returns {how many there are, place, packed group, how many members, …}.
local key = prefix .. ARGV[3]
local rows
if ARGV[5] == '1' then
  rows = redis.call('ZRANGE', key, ARGV[4] ~= '' and '(' .. ARGV[4] or '+', '-', 'BYLEX', 'REV', 'LIMIT', 0, ARGV[6])
else
  rows = redis.call('ZRANGE', key, ARGV[4] ~= '' and '(' .. ARGV[4] or '-', '+', 'BYLEX', 'LIMIT', 0, ARGV[6])
end
local result = {redis.call('ZCARD', key)}
for _, place in ipairs(rows) do
  local conversation = redis.call('HGET', prefix .. 'n', 'g' .. tonumber(string.sub(place, -10)))
  result[#result + 1] = place
  result[#result + 1] = redis.call('HGET', prefix .. 'c:' .. conversation, 'g')
  result[#result + 1] = redis.call('ZCARD', prefix .. 'a:' .. conversation)
end
return result
