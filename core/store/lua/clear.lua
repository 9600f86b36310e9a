-- Clears a conversation for one user: nothing of what is there now, or of what is older, is shown or unread any more.
-- ARGV: 3 identity, 4 user's number, 5 time (ms): what is older; empty: everything, 6 mask of the kinds that lists show.
-- Returns 1 when it is done, 2 while there is more to do, since at most 4,096 messages at a time are looked at; 0 for an unknown
-- conversation. The last live message of before that time stays, and what was imported since: a floor in its place would also take
-- in what is imported behind it with a later time.
local conversation, user = redis.call('HGET', prefix .. 'n', ARGV[3]), ARGV[4]
if not conversation then return 0 end
local key = prefix .. 'v:' .. conversation
if ARGV[5] == '' then
  local head = redis.call('HGET', prefix .. 'c:' .. conversation, 'h') or 0
  redis.call('HSET', key, 'f' .. user, head, 'i' .. user, head)
  redis.call('HDEL', key, 'k' .. user)
  place_row(conversation, user, nil)
  return 1
end

local meta, time = meta_of(conversation), tonumber(ARGV[5])
local view = view_of(conversation, meta, user, '')
local asked = first_since(conversation, time, view.low, meta.head) - 2
if asked < view.low then return 1 end
local state = redis.call('HMGET', key, 'r' .. user, 'k' .. user)
local own = tonumber(state[2] or '0')
local from, top = new_messages(view, tonumber(state[1] or '0'))
local reached = asked
if asked >= top then
  own = 0
elseif asked > from then
  own, reached = own_after(view, own, from, top, asked)
end
redis.call('HSET', key, 'f' .. user, reached)
if own > 0 then redis.call('HSET', key, 'k' .. user, own) else redis.call('HDEL', key, 'k' .. user) end
if reached < asked then return 2 end
local row = tonumber(redis.call('ZSCORE', prefix .. 'x' .. box_of(conversation, user) .. ':' .. user, conversation) or '0')
if row > 0 and row < time then place_row(conversation, user, last_time(conversation, user, tonumber(ARGV[6]))) end
return 1
