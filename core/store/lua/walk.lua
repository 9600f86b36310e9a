-- Walks over what a view shows.

-- The first sequence of `low` to `high` whose record is of `time` or later; `high` + 1 when there is none. Times grow with
-- the sequence, and a record's header is never removed alone.
local function first_since(conversation, time, low, high)
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local record = record_at(conversation, middle)
    if record and struct.unpack('>I6', record) >= time then high = middle - 1 else low = middle + 1 end
  end
  return low
end

-- A sequence itself if it lies in an interval, else the nearest in the direction of the walk that does; beyond everything when
-- there is none. So nobody walks over what was sent while not being a member.
local function next_within(intervals, sequence, step)
  local nearest = step > 0 and math.huge or -1
  for _, interval in ipairs(intervals) do
    local first, last = interval[1], interval[2] < 0 and math.huge or interval[2]
    if sequence >= first and sequence <= last then return sequence end
    if step > 0 and first > sequence and first <= last then nearest = math.min(nearest, first) end
    if step < 0 and last < sequence and first <= last then nearest = math.max(nearest, last) end
  end
  return nearest
end

-- How many records were looked at in all. Where a script asks for one user after the other, that is to stay within bounds.
local walked = 0

-- Walks the live lane from `sequence` by `step` and collects at most `limit` shown records, looking at no more than 1,000,
-- and reading no more than about a megabyte: a longer answer would hold up everybody else's.
-- Returns {sequence, record, …}, and the time up to which it looked, nothing at the end; and the sequence to go on from.
local function walk(view, sequence, low, high, step, limit, mask)
  local found, shown, scanned, bytes, kinds, last = {}, 0, 0, 0, {}, nil
  local conversation = view.conversation
  -- Nothing to ask but kind and flags.
  local open = not (view.intervals or view.own or view.hidden)
  local closing = DELETED + RESTRICTED + ONLINE_ONLY
  local byte, band = string.byte, bit.band
  for kind = 0, 7 do kinds[kind] = band(mask, bit.lshift(1, kind)) ~= 0 end
  if view.intervals then sequence = next_within(view.intervals, sequence, step) end
  while sequence >= low and sequence <= high and shown < limit and scanned < 1000 and bytes < 1048576 do
    local chunk = math.floor(sequence / 4096)
    local key, wanted = prefix .. 'l:' .. conversation .. ':' .. chunk, {}
    local room = math.min(scanned == 0 and limit or 25, 1000 - scanned)
    if room > 1 then room = math.min(room, batch_at(key, sequence)) end
    local edge = step < 0 and math.max(low, chunk * 4096) or math.min(high, chunk * 4096 + 4095)
    room = math.min(room, (edge - sequence) * step + 1)
    for index = 1, room do wanted[index] = sequence + (index - 1) * step end
    sequence = sequence + room * step
    local records = redis.call('HMGET', key, unpack(wanted))
    for index = 1, room do
      local record = records[index]
      if record then
        last = record
        bytes = bytes + #record
        -- Byte 11 of the header is the kind, bytes 12 and 13 the flags.
        local kind, _, flags = byte(record, 11, 13)
        local closed = band(flags, closing)
        if kinds[kind] and closed ~= DELETED and ((open and closed == 0)
          or (band(flags, DELETED) == 0 and may_see(view, wanted[index], record, flags))) then
          shown = shown + 1
          found[2 * shown - 1] = wanted[index]
          found[2 * shown] = record
        end
        if shown == limit or bytes >= 1048576 then
          sequence = wanted[index] + step
          break
        end
      end
    end
    scanned = scanned + room
    if view.intervals then sequence = next_within(view.intervals, sequence, step) end
  end
  walked = walked + scanned
  if sequence < low or sequence > high or not last then return found, nil end
  return found, struct.unpack('>I6', last), sequence
end

-- Records of several sequences: those that follow each other in a chunk are asked for at once.
local function records_at(conversation, sequences)
  local result, first = {}, 1
  while first <= #sequences do
    local negative, chunk = sequences[first] < 0, math.floor(math.abs(sequences[first]) / 4096)
    local fields, index = {}, first
    repeat
      fields[#fields + 1] = math.abs(sequences[index])
      index = index + 1
      local following = sequences[index]
    until not following or (following < 0) ~= negative or math.floor(math.abs(following) / 4096) ~= chunk
    local records = redis.call('HMGET', key_of(conversation, sequences[first]), unpack(fields))
    for place = 1, #fields do result[first + place - 1] = records[place] end
    first = index
  end
  return result
end

-- The same of sequences that lie in a sorted set by their times, between two times as ZRANGE takes them. `sign` makes the
-- members sequences: -1 in the backfill lane.
local function walk_by_time(view, key, sign, since, till, step, limit, mask)
  local found, shown, scanned, bytes, last = {}, 0, 0, 0, nil
  while shown < limit and scanned < 1000 and bytes < 1048576 do
    local rows, room = nil, math.min(limit - shown, 25)
    if step < 0 then
      rows = redis.call('ZRANGE', key, till, since, 'BYSCORE', 'REV', 'LIMIT', 0, room, 'WITHSCORES')
    else
      rows = redis.call('ZRANGE', key, since, till, 'BYSCORE', 'LIMIT', 0, room, 'WITHSCORES')
    end
    if #rows == 0 then return found, nil end
    local sequences, first = {}, sign * tonumber(rows[1])
    local batch = room > 1 and batch_at(key_of(view.conversation, first), first) or 1
    for index = 1, math.min(#rows, 2 * batch), 2 do sequences[#sequences + 1] = sign * tonumber(rows[index]) end
    local records = records_at(view.conversation, sequences)
    for index, sequence in ipairs(sequences) do
      local record = records[index]
      bytes = bytes + (record and #record or 0)
      if record and is_shown(view, mask, sequence, record) then
        shown = shown + 1
        found[2 * shown - 1] = sequence
        found[2 * shown] = record
      end
      last = rows[2 * index]
      if bytes >= 1048576 then break end
    end
    scanned = scanned + #sequences
    if #rows < 2 * room and last == rows[#rows] then return found, nil end
    if step < 0 then till = '(' .. last else since = '(' .. last end
  end
  return found, tonumber(last)
end

local function walk_backfill(view, since, till, step, limit, mask)
  return walk_by_time(view, prefix .. 'bt:' .. view.conversation, -1, since, till, step, limit, mask)
end

-- Both lanes in order of time: what both were walked far enough for.
local function merge(live, live_time, backfill, backfill_time, step, limit)
  local bound
  if live_time and backfill_time then
    bound = step < 0 and math.max(live_time, backfill_time) or math.min(live_time, backfill_time)
  else
    bound = live_time or backfill_time
  end
  local found, one, two, last = {}, 1, 1, nil
  while #found < 2 * limit do
    local first, second = live[one + 1], backfill[two + 1]
    if not first and not second then break end
    local first_time, second_time = first and struct.unpack('>I6', first), second and struct.unpack('>I6', second)
    local from_live = first and (not second or (first_time - second_time) * step < 0)
    local time = from_live and first_time or second_time
    if bound and (time - bound) * step > 0 then return found, bound end
    local source, place = from_live and live or backfill, from_live and one or two
    found[#found + 1] = source[place]
    found[#found + 1] = source[place + 1]
    last = time
    if from_live then one = one + 2 else two = two + 2 end
  end
  if live[one] or backfill[two] then return found, last end
  return found, bound
end

-- Sequence and record of the last message of `mask` that the viewer is shown, nothing when there is none among so many thousands
-- (large ones end a walk sooner, and it goes on, up to eight times as often); and the sequence of the last one in the live lane,
-- 0 when there is none: only that is new to anybody.
local function last_shown(view, mask, thousands)
  -- The newest of the kinds that touch lists: no need to walk over what came after.
  local newest = view.meta.newest
  local from, sequence, record = newest, nil, nil
  local calls, enough = 8 * (thousands or 1), walked + 1000 * (thousands or 1)
  while calls > 0 and walked < enough do
    calls = calls - 1
    local rows, following, place = walk(view, from, view.low, newest, -1, 1, mask)
    sequence, record = rows[1], rows[2]
    if sequence or not following then break end
    from = place
  end
  if view.meta.backfill then
    local since = sequence and struct.unpack('>I6', record) or '-inf'
    local rows = walk_backfill(view, since, '+inf', -1, 1, mask)
    if rows[2] then return rows[1], rows[2], sequence or 0 end
  end
  if sequence then return sequence, record, sequence end
end

-- Sequence and record of the message of a time (ms), as a row says it; nothing when the viewer is not shown it.
local function shown_at(view, time, mask)
  local conversation, meta = view.conversation, view.meta
  local imported = meta.backfill and redis.call('ZRANGE', prefix .. 'bt:' .. conversation, time, time, 'BYSCORE')[1]
  local sequence = imported and -imported or first_since(conversation, tonumber(time), view.low, meta.head)
  local record = record_at(conversation, sequence)
  if record and struct.unpack('>I6', record) == tonumber(time) and is_shown(view, mask, sequence, record) then
    return sequence, record
  end
end

-- Time of the last message that the user is shown (ms), nothing when there is none among the newest 10,000, or the newest
-- 1,000 once so many were looked at for others.
local function last_time(conversation, user, mask)
  local view = view_of(conversation, meta_of(conversation), user, '')
  local _, record = last_shown(view, mask, walked < 10000 and 10 or 1)
  return record and struct.unpack('>I6', record) or nil
end
