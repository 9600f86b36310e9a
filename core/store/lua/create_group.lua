-- Creates a group with its members. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference,
-- 7 identity, 8 bucket, 9 packed group, 10 bound of small groups, 11 mask of the kinds that lists show, 12 whether it is a
-- room, 13 place in the tenant's list, 14 owner's number, 15 maximum of members (0: none), 16… number and id of each member.
-- Messages that were sent to the group's id before are there for all of them.
-- Returns 1; 0 when the group exists or was deleted; error FULL.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'create:' .. ARGV[7] .. ':' .. ARGV[6]
if first_result(ARGV[4], period, now, reference) then return 1 end
local known_conversation = redis.call('HGET', prefix .. 'n', ARGV[7])
if known_conversation then
  local fields = redis.call('HMGET', prefix .. 'c:' .. known_conversation, 'g', 'z')
  if fields[1] or fields[2] then return 0 end
end
local conversation = conversation_of(ARGV[7], ARGV[8])
if not conversation then return redis.error_reply('-FULL refused') end
local meta = prefix .. 'c:' .. conversation
redis.call('HSET', meta, 'g', ARGV[9], 'p', ARGV[14], 'y', ARGV[13], unpack(ARGV[12] == '1' and {'l', 2} or {}))
if ARGV[15] ~= '0' then redis.call('HSET', meta, 'x', ARGV[15]) end
local group = group_of(ARGV[7])
redis.call('ZADD', prefix .. (is_room(group) and 'lr' or 'lg'), 0, ARGV[13])
local members = {}
for index = 16, #ARGV, 2 do
  if join(group, ARGV[index], ARGV[index + 1], now, -1) then members[#members + 1] = ARGV[index] end
end
mark_large(group, tonumber(ARGV[10]))
if not group.size and (group.head > 0 or redis.call('HEXISTS', meta, 'b') == 1) then
  for _, user in ipairs(members) do write_row(conversation, user, tonumber(ARGV[11])) end
end
if is_room(group) then
  -- Who sent something to the id before has a row; a room stands in no list.
  for _, field in ipairs(redis.call('HKEYS', prefix .. 'v:' .. conversation)) do
    if string.byte(field) == 111 then place_row(conversation, string.sub(field, 2), nil) end
  end
end
keep_result(ARGV[4], period, now, reference, 1)
tell('group', conversation, group.head, now, group.identity, nil, nil, 0)
return 1
