-- Moves what a user has read, or was delivered, forward. At most 4,096 messages at a time are looked at, so a long way
-- takes several calls.
-- ARGV: 3 now (ms), 4 identity, 5 user's number, 6 sequence (-1: all), 7 `read`, `delivered` or `seen`, 8 whether others are
--       told (a receipt), 9 bound of the outbox, 10 station (may be empty).
-- Returns {conversation, reached, asked for}: there is more to do while the two differ; {conversation, -1, -1} when nothing
-- moved, {0, 0, 0} for an unknown conversation. Error QUEUE.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[4])
if not conversation then return {0, 0, 0} end
local bound, user, what = tonumber(ARGV[9]), ARGV[5], ARGV[7]
if outbox_is_full(bound) then return redis.error_reply('-QUEUE refused') end
local nothing = {tonumber(conversation), -1, -1}
local meta = meta_of(conversation)
local view = view_of(conversation, meta, user, '')
local key = prefix .. 'v:' .. conversation
if what == 'seen' then
  redis.call('HSET', key, 'i' .. user, meta.head)
  return {tonumber(conversation), meta.head, meta.head}
end
if view.own then return nothing end
local state = redis.call('HMGET', key, 'r' .. user, 'k' .. user)
local read, own = tonumber(state[1] or '0'), tonumber(state[2] or '0')
local from, top = new_messages(view, read)
local asked = tonumber(ARGV[6])
if asked < 0 or asked > end_of(view) then asked = end_of(view) end
local reached = asked

if what == 'read' then
  if asked > from and meta.size ~= '2' then
    own, reached = own_after(view, own, from, top, asked)
    redis.call('HSET', key, 'r' .. user, reached)
    if own > 0 then redis.call('HSET', key, 'k' .. user, own) else redis.call('HDEL', key, 'k' .. user) end
  elseif asked > read then
    redis.call('HSET', key, 'r' .. user, asked)
  end
end
if reached < asked then return {tonumber(conversation), reached, asked} end
-- Steps into what was dropped are gone, and nobody takes them again.
if ARGV[8] ~= '1' or asked <= meta.dropped or not write_step(conversation, user, what, asked, tonumber(ARGV[3])) then
  return (what == 'read' and asked > read) and {tonumber(conversation), asked, asked} or nothing
end
local one, two = pair_of(meta)
if one then
  report(conversation, user, ARGV[10], what, asked, tonumber(ARGV[3]))
  note_change('r', conversation, one, ARGV[10], ARGV[3])
  if two ~= one then note_change('r', conversation, two, ARGV[10], ARGV[3]) end
end
tell(what, conversation, asked, tonumber(ARGV[3]), meta.identity, one, two, bound)
return {tonumber(conversation), asked, asked}
