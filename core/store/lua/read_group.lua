-- A group with its present members. ARGV: 3 identity, 4 whether the members are wanted.
-- Returns {packed group, number, id, role, joined, …} in the order in which they joined; nothing when there is no such group.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
local group = conversation and redis.call('HGET', prefix .. 'c:' .. conversation, 'g')
if not group then return false end
local result = {group}
if ARGV[4] == '1' then
  for _, user in ipairs(redis.call('ZRANGE', prefix .. 'a:' .. conversation, 0, -1)) do
    local row = cmsgpack.unpack(redis.call('HGET', prefix .. 'm:' .. conversation, user))
    result[#result + 1] = user
    result[#result + 1] = row[1]
    result[#result + 1] = row[2]
    result[#result + 1] = row[3]
  end
end
return result
