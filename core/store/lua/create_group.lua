-- Creates a group with its members. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference,
-- 7 identity, 8 bucket, 9 packed group, 10 bound of small groups, 11 mask of the kinds that lists show, 12 whether it is a
-- room, 13… number, id and role of each member. Messages that were sent to the group's id before are there for all of them.
-- Returns 1; 0 when the group exists; error FULL.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'create:' .. ARGV[7] .. ':' .. ARGV[6]
if first_result(ARGV[4], period, now, reference) then return 1 end
local known_conversation = redis.call('HGET', prefix .. 'n', ARGV[7])
if known_conversation and redis.call('HEXISTS', prefix .. 'c:' .. known_conversation, 'g') == 1 then return 0 end
local conversation = conversation_of(ARGV[7], ARGV[8])
if not conversation then return redis.error_reply('-FULL refused') end
local meta, is_room = prefix .. 'c:' .. conversation, ARGV[12] == '1'
redis.call('HSET', meta, 'g', ARGV[9], unpack(is_room and {'l', 2} or {}))
local fields = redis.call('HMGET', meta, 'h', 'b')
local head = tonumber(fields[1] or '0')
local writes_rows = not is_room and (head > 0 or fields[2])
for index = 13, #ARGV, 3 do
  local user = ARGV[index]
  if join(conversation, user, ARGV[index + 1], ARGV[index + 2], now, head, -1) and writes_rows then
    write_row(conversation, user, tonumber(ARGV[11]))
  end
end
if is_room then
  -- Who sent something to the id before has a row; a room stands in no list.
  for _, field in ipairs(redis.call('HKEYS', prefix .. 'v:' .. conversation)) do
    if string.byte(field) == 111 then place_row(conversation, string.sub(field, 2), nil) end
  end
end
mark_large(conversation, tonumber(ARGV[10]))
keep_result(ARGV[4], period, now, reference, 1)
return 1
