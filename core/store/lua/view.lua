-- What a user may see of a conversation, and how to walk it.

-- The intervals {first, last} of a group's member, the last one open (0) for a present member; nothing for who never was
-- one.
local function intervals_of(conversation, user)
  local row = redis.call('HGET', prefix .. 'm:' .. conversation, user)
  return row and cmsgpack.unpack(row)[4] or nil
end

local function within(intervals, sequence)
  for _, interval in ipairs(intervals) do
    if sequence >= interval[1] and (interval[2] == 0 or sequence <= interval[2]) then return true end
  end
  return false
end

local function record_at(conversation, sequence)
  return redis.call('HGET', prefix .. 'l:' .. conversation .. ':' .. math.floor(sequence / 4096), sequence)
end

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

-- Walks from `sequence` by `step` and collects at most `limit` shown records, looking at no more than 1,000, and giving no
-- more than about a megabyte: a longer answer would hold up everybody else's.
-- Returns {sequence, record, …}, and the sequence to go on from (exclusive), 0 at the end.
local function walk(conversation, sequence, low, high, step, limit, mask, intervals)
  local found, shown, scanned, bytes, chunk, kinds = {}, 0, 0, 0, nil, {}
  for kind = 0, 7 do kinds[kind] = bit.band(mask, bit.lshift(1, kind)) ~= 0 end
  while sequence >= low and sequence <= high and shown < limit and scanned < 1000 and bytes < 1048576 do
    chunk = math.floor(sequence / 4096)
    local wanted = {}
    local room = math.min(limit - shown, 1000 - scanned, 25)
    while #wanted < room and sequence >= low and sequence <= high and math.floor(sequence / 4096) == chunk do
      wanted[#wanted + 1] = sequence
      sequence = sequence + step
    end
    local records = redis.call('HMGET', prefix .. 'l:' .. conversation .. ':' .. chunk, unpack(wanted))
    for index, record in ipairs(records) do
      -- Byte 11 of the header is the kind, bit 1 of bytes 12 and 13 the tombstone.
      if record and kinds[string.byte(record, 11)] and bit.band(string.byte(record, 13), 1) == 0
        and (not intervals or within(intervals, wanted[index])) then
        shown = shown + 1
        bytes = bytes + #record
        found[2 * shown - 1] = wanted[index]
        found[2 * shown] = record
      end
    end
    scanned = scanned + #wanted
  end
  if sequence < low or sequence > high then return found, 0 end
  return found, sequence - step
end

-- Sequence and record of the last message of `mask` that a viewer is shown, nothing when there is none. An interval ends no
-- earlier than the one before it, so the first find is the last message.
local function last_shown(conversation, mask, intervals)
  -- The newest of the kinds that touch lists: no need to walk over what came after.
  local newest = tonumber(redis.call('HGET', prefix .. 'c:' .. conversation, 's') or '0')
  intervals = intervals or {{1, 0}}
  for index = #intervals, 1, -1 do
    local low, high = intervals[index][1], intervals[index][2]
    if high == 0 or high > newest then high = newest end
    local found = walk(conversation, high, low, high, -1, 1, mask, nil)
    if found[1] then return found[1], found[2] end
  end
end

-- Time of that message (ms), nothing when there is none.
local function last_time(conversation, mask, intervals)
  local _, record = last_shown(conversation, mask, intervals)
  return record and struct.unpack('>I6', record) or nil
end
