-- Creates a group with its members. ARGV: 3 now (ms), 4 identity, 5 bucket, 6 packed group, 7 bound of small groups,
-- 8 mask of the kinds that lists show, 9… number, id and role of each member. Messages that were sent to the group's id
-- before are there for all of them.
-- Returns 1; 0 when the group exists; error FULL.
local known_conversation = redis.call('HGET', prefix .. 'n', ARGV[4])
if known_conversation and redis.call('HEXISTS', prefix .. 'c:' .. known_conversation, 'g') == 1 then return 0 end
local conversation = conversation_of(ARGV[4], ARGV[5])
if not conversation then return redis.error_reply('-FULL refused') end
redis.call('HSET', prefix .. 'c:' .. conversation, 'g', ARGV[6])
for index = 9, #ARGV, 3 do
  local user = ARGV[index]
  local intervals = join(conversation, user, ARGV[index + 1], ARGV[index + 2], tonumber(ARGV[3]), 1)
  if intervals then write_row(conversation, user, tonumber(ARGV[8]), intervals) end
end
mark_large(conversation, tonumber(ARGV[7]))
return 1
