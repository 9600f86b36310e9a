-- One page of a conversation, both lanes in order of time.
-- ARGV: 3 identity, 4 viewer's number (empty: an administrator), 5 mask of kinds, 6 newest first, 7 cursor (exclusive time in
--       ms, 0: from the end), 8 limit, 9 since, 10 until (ms, exclusive; 0: open), 11 viewer's station (empty: all),
--       12 topic (0: of all, and of none), 13 whether progress is wanted, 14 whether who never was a member of the group sees
--       what is for everybody, 15 whether the outline is wanted, of a page without bounds.
-- Returns {conversation, member, next cursor, sequence, record, …}, sequences of the backfill lane negative; {0, 1, 0} for an
-- unknown conversation. `member`: the viewer is or was one. Progress comes last: {read up to, unread, head, what the other of two
-- users was delivered, and has read}. So does the outline: {how often it was cleared for all, the viewer's floor, number of the
-- newest report}, nothing when the viewer may not look into it.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return {0, 1, 0} end
local meta = meta_of(conversation)
local view = view_of(conversation, meta, ARGV[4], ARGV[11])
local own = view.own
if ARGV[14] == '1' and not is_direct(meta) then view.own = nil end
local low, high = view.low, meta.head
local since, till, cursor = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[7])
local step = ARGV[6] == '1' and -1 or 1
if cursor > 0 and step < 0 and (till == 0 or cursor < till) then till = cursor end
if cursor > 0 and step > 0 and cursor >= since then since = cursor + 1 end
local limit, mask = tonumber(ARGV[8]), tonumber(ARGV[5])
local first, last = since > 0 and since or '-inf', till > 0 and '(' .. string.format('%.0f', till) or '+inf'
local found, following
if ARGV[12] ~= '0' then
  found, following = walk_by_time(view, prefix .. 'ot:' .. conversation .. ':' .. ARGV[12], 1, first, last, step, limit, mask)
else
  if since > 0 then low = first_since(conversation, since, low, high) end
  if till > 0 then high = first_since(conversation, till, low, high) - 1 end
  found, following = walk(view, step < 0 and high or low, low, high, step, limit, mask)
  if meta.backfill then
    local backfill, backfill_following = walk_backfill(view, first, last, step, limit, mask)
    found, following = merge(found, following, backfill, backfill_following, step, limit)
  end
end
view.own = own
local result = {tonumber(conversation), own and 0 or 1, following or 0, unpack(found)}
if ARGV[13] == '1' then
  local user = ARGV[4]
  local state = redis.call('HMGET', prefix .. 'v:' .. conversation, 'r' .. user, 'k' .. user)
  local read = tonumber(state[1] or '0')
  local unread = user ~= '' and unread_of(view, read, tonumber(state[2] or '0')) or 0
  local progress = {read, unread, meta.head, 0, 0}
  local one, two = pair_of(meta)
  if one and user ~= '' and not view.own then
    local steps = conversation .. ':' .. (one == user and two or one)
    progress[4] = tonumber(redis.call('ZRANGE', prefix .. 'ds:' .. steps, -1, -1, 'WITHSCORES')[2] or '0')
    progress[5] = tonumber(redis.call('ZRANGE', prefix .. 'rs:' .. steps, -1, -1, 'WITHSCORES')[2] or '0')
  end
  result[#result + 1] = progress
end
if ARGV[15] == '1' then
  local outline = false
  -- Who never was a member may look for own messages; where they lie further back than was looked, the list has them.
  if is_direct(meta) or not own or #found > 0
    or following and redis.call('ZSCORE', prefix .. 'x:' .. ARGV[4], conversation) then
    local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'c', 'j')
    local reports = fields[2] and redis.call('EXISTS', prefix .. 'rl:' .. conversation) == 1 and tonumber(fields[2]) or 0
    outline = {tonumber(fields[1] or '0'), view.floor or 0, reports}
  end
  result[#result + 1] = outline
end
return result
