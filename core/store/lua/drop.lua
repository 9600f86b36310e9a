-- Drops the older part of a conversation. The log says up to where (`d`, with the ordinal there in `e`), so that ordinals,
-- times and sequences go on, and what is read, unread and seen counts from there.

-- Messages for some: these lose their row and their place among those that are new to them.
local function drop_audience(conversation, sequence)
  local key = prefix .. 'j:' .. conversation
  local row = redis.call('HGET', key, sequence)
  for _, user in ipairs(row and cmsgpack.unpack(row)[1] or {}) do
    redis.call('ZREM', prefix .. 'w:' .. conversation .. ':' .. string.format('%.0f', user), sequence)
  end
  redis.call('HDEL', key, sequence)
end

-- Where a sender's own counted messages lie that are still counted as such: above the first, up to the second.
local function own_messages(conversation, meta, sender)
  local state = redis.call('HMGET', prefix .. 'v:' .. conversation, 'k' .. sender, 'r' .. sender)
  if not state[1] then return 0, 0 end
  return new_messages(view_of(conversation, meta, sender, ''), tonumber(state[2] or '0'))
end

-- Drops what follows the dropped part, up to `last` and about `room` messages or a megabyte; a sender takes as long as some
-- messages. Returns how much of the room it took, 0 when there was nothing to drop.
local function drop_live(conversation, meta, last, room)
  if last <= meta.dropped then return 0 end
  local sequence, bytes, taken, senders, ordinal = meta.dropped, 0, 0, {}, nil
  while sequence < last and (taken == 0 or taken < room) and bytes < 1048576 do
    local chunk, wanted = math.floor((sequence + 1) / 4096), {}
    local batch = batch_at(key_of(conversation, sequence + 1), sequence + 1)
    while #wanted < batch and sequence < last and math.floor((sequence + 1) / 4096) == chunk do
      sequence = sequence + 1
      wanted[#wanted + 1] = sequence
    end
    local key = prefix .. 'l:' .. conversation .. ':' .. chunk
    for index, record in ipairs(redis.call('HMGET', key, unpack(wanted))) do
      bytes, taken = bytes + #record, taken + 1
      local _, position, _, flags, number = struct.unpack('>I6I4BI2I6', record)
      local sender = string.format('%.0f', number)
      ordinal = position
      if bit.band(flags, RESTRICTED) ~= 0 then drop_audience(conversation, wanted[index]) end
      if bit.band(flags, COUNTED) ~= 0 then
        local own = senders[sender]
        if not own then
          own = {count = 0}
          own.from, own.top = own_messages(conversation, meta, sender)
          senders[sender] = own
          taken = taken + 8
        end
        if wanted[index] > own.from and wanted[index] <= own.top then own.count = own.count + 1 end
        if bit.band(flags, DELETED) ~= 0 then
          redis.call('ZREM', prefix .. 't:' .. conversation .. ':' .. sender, wanted[index])
        end
      end
    end
    redis.call('HDEL', key, unpack(wanted))
  end
  redis.call('HSET', prefix .. 'c:' .. conversation, 'd', sequence, 'e', ordinal)
  redis.call('ZREMRANGEBYSCORE', prefix .. 't:' .. conversation, '-inf', sequence)
  local state = prefix .. 'v:' .. conversation
  for sender, own in pairs(senders) do
    if own.count > 0 and redis.call('HINCRBY', state, 'k' .. sender, -own.count) == 0 then
      redis.call('HDEL', state, 'k' .. sender)
    end
  end
  return taken
end

-- Imports from before `time` (ms), the oldest 200 at most. Returns how many.
local function drop_backfill(conversation, time)
  local key = prefix .. 'bt:' .. conversation
  local rows = redis.call('ZRANGE', key, '-inf', '(' .. time, 'BYSCORE', 'LIMIT', 0, 200)
  for _, sequence in ipairs(rows) do
    drop_audience(conversation, '-' .. sequence)
    redis.call('HDEL', prefix .. 'b:' .. conversation .. ':' .. chunk_of(sequence), sequence)
  end
  if #rows > 0 then redis.call('ZREM', key, unpack(rows)) end
  return #rows
end

-- External ids of messages that are gone, from a cursor on. Returns the next cursor, 0 at the end.
local function drop_external_ids(conversation, cursor)
  local key = prefix .. 'be:' .. conversation
  local found = redis.call('HSCAN', key, cursor, 'COUNT', 100)
  for index = 1, #found[2], 2 do
    local sequence = -found[2][index + 1]
    if redis.call('HEXISTS', key_of(conversation, sequence), math.abs(sequence)) == 0 then
      redis.call('HDEL', key, found[2][index])
    end
  end
  return found[1]
end

-- Of every topic the messages from before a time (ms).
local function drop_topics(conversation, cursor, time)
  local found = redis.call('HSCAN', prefix .. 'o:' .. conversation, cursor, 'COUNT', 100)
  for index = 1, #found[2], 2 do
    redis.call('ZREMRANGEBYSCORE', prefix .. 'ot:' .. conversation .. ':' .. found[2][index], '-inf',
      '(' .. string.format('%.0f', time))
  end
  return found[1]
end

-- Reports of what is dropped, the oldest ones: those after a report of something newer stay for a while.
local function drop_reports(conversation, dropped)
  local key = prefix .. 'rl:' .. conversation
  local count, reports = 0, redis.call('LRANGE', key, 0, 999)
  while reports[count + 1] and cmsgpack.unpack(reports[count + 1])[4] <= dropped do count = count + 1 end
  if count > 0 then redis.call('LTRIM', key, count, -1) end
end

-- What a user has of the dropped part. `before` is where it ended before, `time` that of the oldest message that is kept (ms).
local function drop_for(conversation, meta, user, before, time, mask)
  local keys = keys_of_user(conversation, user)
  for _, key in ipairs(keys) do redis.call('ZREMRANGEBYSCORE', key, '-inf', meta.dropped) end
  if redis.call('HEXISTS', prefix .. 'v:' .. conversation, 'e' .. user) == 1 then
    local bitmaps = {}
    local last = meta.dropped == meta.head and meta.head + 4096 or meta.dropped + 1
    add_bitmaps(bitmaps, conversation, user, '', chunk_of(before + 1), chunk_of(last) - 1)
    if redis.call('EXISTS', prefix .. 'bt:' .. conversation) == 0 then
      add_bitmaps(bitmaps, conversation, user, 'b', 0, chunk_of(meta.backfill))
    end
    unlink(bitmaps)
  end
  local row = redis.call('ZSCORE', prefix .. 'x' .. box_of(conversation, user) .. ':' .. user, conversation)
  if row and tonumber(row) < time then place_row(conversation, user, last_time(conversation, user, mask)) end
end

-- The same for those whom a slice of a hash names, whose fields end in users' numbers. Returns the next cursor.
local function drop_for_some(conversation, meta, key, cursor, before, time, mask)
  local found = redis.call('HSCAN', key, cursor, 'COUNT', 50)
  local seen = {}
  for index = 1, #found[2], 2 do
    local user = string.match(found[2][index], '%d+$')
    if not seen[user] then drop_for(conversation, meta, user, before, time, mask) end
    seen[user] = true
  end
  return found[1]
end
