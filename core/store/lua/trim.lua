-- Goes on with a walk over this partition's conversations that drops what is older than a time. Where it is, `wk` says:
-- `next TIME` between two walks, else bucket, local number, stage, cursor in it, and where the dropped part ended before.
-- ARGV: 3 now (ms), 4 the time (ms), 5 mask of the kinds that lists show, 6 until the next walk (ms), 7 about how many
-- messages to look at, 8 conversation whose foreign ids are gone (0: none).
-- Returns whether there is more to do, and a conversation whose foreign ids have to go first (0: none).
local now, limit, mask, room = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[7])
local walks = prefix .. 'wk'
local place = redis.call('HGET', walks, 'retention') or '-1 0 live 0 0'
local following = string.match(place, '^next (%d+)')
if following and tonumber(following) > now then return {0, 0} end
local bucket, number, stage, cursor, before = string.match(following and '-1 0 live 0 0' or place,
  '^(-?%d+) (%d+) (%a+) (%d+) (%d+)$')
bucket, number, before = tonumber(bucket), tonumber(number), tonumber(before)

local function note()
  redis.call('HSET', walks, 'retention', table.concat({bucket, number, stage, cursor, before}, ' '))
end

-- The last message of the live lane that is too old.
local function last_before(conversation, meta)
  local record = record_at(conversation, meta.dropped + 1)
  if not record or struct.unpack('>I6', record) >= limit then return meta.dropped end
  return first_since(conversation, limit, meta.dropped + 2, meta.head) - 1
end

-- The stages after the log: each goes on from a cursor, 0 at its end.
local function drop_rest(conversation, meta)
  local after = {external = 'topics', topics = 'members', members = 'states', states = 'links'}
  if stage == 'external' then
    drop_reports(conversation, meta.dropped)
    cursor = drop_external_ids(conversation, cursor)
  elseif stage == 'topics' then
    cursor = drop_topics(conversation, cursor, limit)
  elseif stage == 'members' then
    if cursor == '0' then
      for user in string.gmatch(meta.users or '', '%d+') do drop_for(conversation, meta, user, before, limit, mask) end
    end
    cursor = drop_for_some(conversation, meta, prefix .. 'm:' .. conversation, cursor, before, limit, mask)
  else
    cursor = drop_for_some(conversation, meta, prefix .. 'v:' .. conversation, cursor, before, limit, mask)
  end
  room = room - 100
  if cursor == '0' then stage = after[stage] end
end

-- Returns whether it is done with.
local function trim(conversation)
  local meta = meta_of(conversation)
  if not meta then return true end
  while room > 0 do
    room = room - 1
    if stage == 'live' or stage == 'log' then
      -- `log` once something was dropped.
      if stage == 'live' then before = meta.dropped end
      local taken = drop_live(conversation, meta, last_before(conversation, meta), room)
        + (meta.backfill and drop_backfill(conversation, limit) or 0)
      room = room - taken
      if taken > 0 then
        stage, meta = 'log', meta_of(conversation)
      elseif stage == 'live' then
        return true
      else
        stage, cursor = 'external', '0'
      end
    elseif stage == 'links' then
      if redis.call('EXISTS', prefix .. 'ic:' .. conversation) == 1 and ARGV[8] ~= conversation then
        note()
        return false
      end
      return true
    else
      drop_rest(conversation, meta)
    end
  end
  return false
end

-- Feeds are kept for 31 days.
local function drop_feeds()
  local last = math.floor(limit / 3600000) - 1
  local keys = {}
  for hour = last - 745, last do keys[#keys + 1] = prefix .. 'H:' .. hour end
  unlink(keys)
end

local buckets = {}
for _, each in ipairs(redis.call('HKEYS', prefix .. 'k')) do buckets[#buckets + 1] = tonumber(each) end
table.sort(buckets)
for _, each in ipairs(buckets) do
  if each >= bucket then
    if each > bucket then bucket, number, stage, cursor, before = each, 1, 'live', '0', 0 end
    local last = tonumber(redis.call('HGET', prefix .. 'k', each))
    while number <= last do
      local conversation = string.format('%.0f', bucket * 4194304 + number)
      if not trim(conversation) then
        note()
        return {1, stage == 'links' and tonumber(conversation) or 0}
      end
      number, stage, cursor, before = number + 1, 'live', '0', 0
    end
  end
end
drop_feeds()
redis.call('HSET', walks, 'retention', 'next ' .. string.format('%.0f', now + tonumber(ARGV[6])))
return {0, 0}
