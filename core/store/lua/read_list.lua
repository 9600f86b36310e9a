-- A list of a group. ARGV: 3 identity, 4 its letter. Returns {number, packed row, …}, unordered; nothing when there is no such
-- group.
local group = group_of(ARGV[3])
return group and redis.call('HGETALL', list_of(group, ARGV[4])) or false
