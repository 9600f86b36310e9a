-- Puts a conversation into a box of a user's lists. ARGV: 3 identity, 4 user's number, 5 box (empty: the active ones), 6 now (ms),
-- 7 station (may be empty), 8 whether only where it stands in one; a large group stands in those of its members.
-- Returns 1; 0 for an unknown conversation.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return 0 end
local user, state = ARGV[4], prefix .. 'v:' .. conversation
-- Where there is no row, there is nothing to show, or a large group's head tells.
local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
local time = redis.call('ZSCORE', key, conversation)
if ARGV[8] == '1' and not time and redis.call('SISMEMBER', prefix .. 'y:' .. user, conversation) == 0 then return 1 end
redis.call('ZREM', key, conversation)
if ARGV[5] == '' then
  redis.call('HDEL', state, 'b' .. user)
else
  local meta = prefix .. 'c:' .. conversation
  redis.call('HSET', state, 'b' .. user, ARGV[5] .. (redis.call('HGET', meta, 'h') or 0))
  redis.call('HSET', meta, 'a', 1)
end
if time then redis.call('ZADD', prefix .. 'x' .. ARGV[5] .. ':' .. user, time, conversation) end
note_change('m', conversation, user, ARGV[7], ARGV[6])
return 1
