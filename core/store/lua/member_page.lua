-- A page of present members. ARGV: 3 identity, 4 cursor, 5 newest first, 6 how many.
-- Returns {how many there are, cursor, number, id, role, joined, …}; nothing when there is no such group.
local group = group_of(ARGV[3])
if not group then return false end
local result = {redis.call('ZCARD', prefix .. 'a:' .. group.conversation), 0}
result[2] = add_member_rows(result, group.conversation, tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6]))
return result
