-- Attributes of a group. ARGV: 3 identity, 4… names (none: all). Returns {name, packed row, …}, without those that there are not;
-- nothing when there is no such group.
local group = group_of(ARGV[3])
if not group then return false end
local key = prefix .. 'gk:' .. group.conversation
if #ARGV == 3 then return redis.call('HGETALL', key) end
local result = {}
for index = 4, #ARGV do
  local row = redis.call('HGET', key, ARGV[index])
  if row then
    result[#result + 1] = ARGV[index]
    result[#result + 1] = row
  end
end
return result
