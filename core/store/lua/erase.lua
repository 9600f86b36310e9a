-- Goes on with taking a user out of this partition's conversations: messages become tombstones, and what they counted is counted
-- as recalled; states, membership and lists go. Where the walk is, `wk` says: bucket, local number, stage, cursor in it.
-- ARGV: 3 user's number, 4 mask of the kinds that lists show, 5 about how many messages to look at, 6 conversation that the
-- caller is done with (0: none).
-- Returns whether there is more to do, and a conversation in which the caller has to do its part now (0: none).
local user, mask, room = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local walks, walk_name = prefix .. 'wk', 'erase ' .. ARGV[3]
local place = redis.call('HGET', walks, walk_name) or '-1 0 look 0'
if place == 'done' then return {0, 0} end
local bucket, number, stage, cursor = string.match(place, '^(-?%d+) (%d+) (%a+) (%d+)$')
bucket, number, cursor = tonumber(bucket), tonumber(number), tonumber(cursor)
local sender = tonumber(user)
local states = {}
for _, letter in ipairs({'r', 'f', 'k', 'b', 'i', 'p', 'e', 'o'}) do states[#states + 1] = letter .. user end

local function concerns(conversation, meta)
  if string.find(' ' .. (meta.users or '') .. ' ', ' ' .. user .. ' ', 1, true) then return true end
  if redis.call('HEXISTS', prefix .. 'm:' .. conversation, user) == 1 then return true end
  for _, state in ipairs(redis.call('HMGET', prefix .. 'v:' .. conversation, unpack(states))) do
    if state then return true end
  end
  -- Who only owns the group has left no other trace.
  return redis.call('HGET', prefix .. 'c:' .. conversation, 'p') == user
end

local function count_as_recalled(conversation, sequence)
  redis.call('ZADD', prefix .. 't:' .. conversation, sequence, sequence)
  redis.call('HSET', prefix .. 'c:' .. conversation, 'r', 1)
end

-- Tombstones for the user's messages after the cursor; `sign` -1 for the backfill lane. Returns whether the lane is done.
local function erase_lane(conversation, sign, last)
  local looked, bytes = 0, 0
  while cursor < last and looked < 500 and bytes < 1048576 do
    local chunk, wanted = math.floor((cursor + 1) / 4096), {}
    local batch = batch_at(key_of(conversation, sign * (cursor + 1)), cursor + 1)
    while #wanted < batch and cursor < last and math.floor((cursor + 1) / 4096) == chunk do
      cursor = cursor + 1
      wanted[#wanted + 1] = cursor
    end
    local key = key_of(conversation, sign * wanted[1])
    looked = looked + #wanted
    for index, record in ipairs(redis.call('HMGET', key, unpack(wanted))) do
      bytes = bytes + (record and #record or 0)
      if record and struct.unpack('>I6', record, 14) == sender and bit.band(string.byte(record, 13), DELETED) == 0 then
        local sequence = sign * wanted[index]
        local time, ordinal, kind, flags = struct.unpack('>I6I4BI2', record)
        redis.call('HSET', key, wanted[index], struct.pack('>I6I4BI2I6', time, ordinal, kind, bit.bor(flags, DELETED), sender))
        if bit.band(flags, COUNTED) ~= 0 then count_as_recalled(conversation, sequence) end
        if bit.band(flags, RESTRICTED) ~= 0 then drop_audience(conversation, sequence) end
      end
    end
  end
  room = room - looked
  return cursor >= last
end

local function erase_external_ids(conversation)
  local key = prefix .. 'be:' .. conversation
  local found = redis.call('HSCAN', key, cursor, 'COUNT', 100)
  for index = 1, #found[2], 2 do
    local record = record_at(conversation, -found[2][index + 1])
    if record and struct.unpack('>I6', record, 14) == sender then redis.call('HDEL', key, found[2][index]) end
  end
  cursor = tonumber(found[1])
  return cursor == 0
end

-- The newest message that touches lists, when that one has gone. Returns whether it is found; a long way back takes steps.
local function move_newest(conversation, meta)
  local record = meta.newest > meta.dropped and record_at(conversation, meta.newest)
  if not record or bit.band(string.byte(record, 13), DELETED) == 0 then return true end
  local found = walk({conversation = conversation, meta = meta}, meta.newest - 1, meta.dropped + 1, meta.newest, -1, 1, mask)
  redis.call('HSET', prefix .. 'c:' .. conversation, 's', found[1] or math.max(meta.dropped, meta.newest - 1000))
  room = room - 1000
  return false
end

-- Returns whether it was left as it is, for the next call: there may be a long way back to what others are shown.
local function rewrite_row(conversation, other)
  local key = prefix .. 'x' .. box_of(conversation, other) .. ':' .. other
  local row = other ~= user and redis.call('ZSCORE', key, conversation)
  if row and not shown_at(view_of(conversation, meta_of(conversation), other, ''), row, mask) then
    if walked >= 2000 then return true end
    place_row(conversation, other, last_time(conversation, other, mask))
  end
  return false
end

-- The lists of others show what is left.
local function rewrite_some(conversation, meta, key)
  if cursor == 0 then
    for other in string.gmatch(meta.users or '', '%d+') do rewrite_row(conversation, other) end
  end
  local found, again = redis.call('HSCAN', prefix .. key .. ':' .. conversation, cursor, 'COUNT', 50), false
  for index = 1, #found[2], 2 do
    local other = string.match(found[2][index], key == 'v' and '^o(%d+)$' or '^(%d+)$')
    if other then again = rewrite_row(conversation, other) or again end
  end
  room = room - #found[2]
  if again then
    -- Those that were written show something now.
    room = 0
    return false
  end
  cursor = tonumber(found[1])
  return cursor == 0
end

-- Reports keep their numbers, so those of the user are blanked. The cursor is a report's number.
local function blank_reports(conversation)
  local key = prefix .. 'rl:' .. conversation
  local last, length = tonumber(redis.call('HGET', prefix .. 'c:' .. conversation, 'j') or '0'), redis.call('LLEN', key)
  local first = last - length + 1
  cursor = math.max(cursor, first)
  local reports = redis.call('LRANGE', key, cursor - first, cursor - first + 499)
  for index, packed in ipairs(reports) do
    local report = cmsgpack.unpack(packed)
    if report[1] == user then
      redis.call('LSET', key, cursor - first + index - 1, cmsgpack.pack({'0', '', report[3], report[4], report[5]}))
    end
  end
  cursor = cursor + #reports
  return cursor > last
end

-- What the two were to each other; whoever has the name by now may be something to the other one too.
local function forget_relation(conversation)
  local key = prefix .. 'c:' .. conversation
  local packed = redis.call('HGET', key, 'f')
  local row = packed and cmsgpack.unpack(packed)
  if row and (row[1] == user or row[2] == user) then redis.call('HDEL', key, 'f', 'q') end
end

local function forget_user(conversation, meta)
  forget_relation(conversation)
  local keys = keys_of_user(conversation, user)
  add_bitmaps(keys, conversation, user, '', 0, chunk_of(meta.head))
  if meta.backfill then add_bitmaps(keys, conversation, user, 'b', 0, chunk_of(meta.backfill)) end
  unlink(keys)
  redis.call('HDEL', prefix .. 'v:' .. conversation, unpack(states))
  redis.call('HDEL', prefix .. 'm:' .. conversation, user)
  redis.call('ZREM', prefix .. 'a:' .. conversation, user)
  redis.call('SREM', prefix .. 'hu:' .. conversation, user)
  local group = group_of(meta.identity)
  if group then forget_in_group(group, user) end
end

local stages = {
  live = function(conversation, meta)
    cursor = math.max(cursor, meta.dropped)
    return erase_lane(conversation, 1, meta.head) and 'imported'
  end,
  imported = function(conversation, meta) return erase_lane(conversation, -1, tonumber(meta.backfill or '0')) and 'external' end,
  external = function(conversation) return erase_external_ids(conversation) and 'newest' end,
  newest = function(conversation, meta) return move_newest(conversation, meta) and 'rows' end,
  rows = function(conversation, meta) return rewrite_some(conversation, meta, 'm') and 'strangers' end,
  strangers = function(conversation, meta) return rewrite_some(conversation, meta, 'v') and 'reports' end,
  reports = function(conversation) return blank_reports(conversation) and 'outside' end,
}

-- Returns whether it is done with, and whether the caller has to do its part.
local function erase(conversation)
  local meta = meta_of(conversation)
  if not meta then return true end
  while room > 0 do
    room = room - 1
    if stage == 'look' then
      if not concerns(conversation, meta) then return true end
      stage, cursor = 'live', 0
    elseif stage == 'outside' then
      if ARGV[6] ~= conversation then return false, true end
      forget_user(conversation, meta)
      return true
    else
      local following = stages[stage](conversation, meta)
      meta = meta_of(conversation)
      room = room - 10
      if following then stage, cursor = following, 0 end
    end
  end
  return false, false
end

local buckets = {}
for _, each in ipairs(redis.call('HKEYS', prefix .. 'k')) do buckets[#buckets + 1] = tonumber(each) end
table.sort(buckets)
for _, each in ipairs(buckets) do
  if each >= bucket then
    if each > bucket then bucket, number, stage, cursor = each, 1, 'look', 0 end
    local last = tonumber(redis.call('HGET', prefix .. 'k', each))
    while number <= last do
      local conversation = string.format('%.0f', bucket * 4194304 + number)
      local done, wanted = erase(conversation)
      if not done then
        redis.call('HSET', walks, walk_name, table.concat({bucket, number, stage, string.format('%.0f', cursor)}, ' '))
        return {1, wanted and tonumber(conversation) or 0}
      end
      number, stage, cursor = number + 1, 'look', 0
    end
  end
end
unlink(lists_of(user))
-- Again: somebody may have written these while the name was being forgotten.
unlink(relations_of(user))
redis.call('HDEL', prefix .. 'pr', user)
redis.call('HSET', walks, walk_name, 'done')
return {0, 0}
