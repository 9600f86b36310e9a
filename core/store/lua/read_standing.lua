-- What users are in a group. ARGV: 3 identity, 4… numbers.
-- Returns for each the packed row of a present member, those of the lists of the muted, the blocked and the allowed, and the packed
-- attributes, each of which may be missing; nothing when there is no such group.
local group = group_of(ARGV[3])
if not group then return false end
local result = {}
for index = 4, #ARGV do
  local user = ARGV[index]
  result[#result + 1] = is_present(group, user) and redis.call('HGET', prefix .. 'm:' .. group.conversation, user)
  for _, letter in ipairs({'m', 'b', 'w', 'u'}) do result[#result + 1] = redis.call('HGET', list_of(group, letter), user) end
end
return result
