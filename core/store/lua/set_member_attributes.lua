-- Changes a member's own attributes in a group. ARGV: 3 identity, 4 user's number, 5 how many bytes they may take, 6… name and
-- value of each, behind a 1, or a 0 to take it away.
-- Returns the packed attributes (0 for none), else why nothing was done: 1 no such group, 2 no member, 3 too large.
local group, user = group_of(ARGV[3]), ARGV[4]
if not group then return 1 end
if not is_present(group, user) then return 2 end
local key = prefix .. 'gu:' .. group.conversation
local packed = redis.call('HGET', key, user)
local attributes = packed and cmsgpack.unpack(packed) or {}
for index = 6, #ARGV, 3 do
  attributes[ARGV[index + 1]] = ARGV[index] == '1' and ARGV[index + 2] or nil
end
if next(attributes) == nil then
  redis.call('HDEL', key, user)
  return 0
end
packed = cmsgpack.pack(attributes)
if #packed > tonumber(ARGV[5]) then return 3 end
redis.call('HSET', key, user, packed)
return packed
