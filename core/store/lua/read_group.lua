-- A group with the first of its present members. ARGV: 3 identity, 4 how many members are wanted.
-- Returns {packed group, cursor, number, id, role, joined, …}; nothing when there is no such group.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
local group = conversation and redis.call('HGET', prefix .. 'c:' .. conversation, 'g')
if not group then return false end
local result, wanted = {group, 0}, tonumber(ARGV[4])
if wanted > 0 then result[2] = add_member_rows(result, conversation, 0, false, wanted) end
return result
