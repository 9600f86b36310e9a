-- What a viewer may see of a conversation. A view is {conversation, meta, low, viewer, intervals, own, hidden, station}:
-- `low` the first sequence that is there for the viewer, `intervals` those of a group's member, `own` the number of a viewer
-- who is neither member nor peer and sees own messages alone, `hidden` set once messages are hidden from the viewer.
-- An administrator has no `viewer` and sees everything that is not deleted.

local function meta_of(conversation)
  local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'i', 'h', 's', 'u', 'd', 'g', 'b', 'o', 'e', 'l', 'r', 'w')
  if not fields[1] then return nil end
  return {
    identity = fields[1], head = tonumber(fields[2] or '0'), newest = tonumber(fields[3] or '0'), users = fields[4],
    dropped = tonumber(fields[5] or '0'), group = fields[6], backfill = fields[7], ordinal = tonumber(fields[8] or '0'),
    dropped_ordinal = tonumber(fields[9] or '0'), size = fields[10], recalled = fields[11], directed = fields[12],
  }
end

local function is_direct(meta)
  return string.byte(meta.identity) == 100
end

-- The numbers of a direct conversation's users.
local function pair_of(meta)
  if meta.users then return string.match(meta.users, '(%d+) (%d+)') end
end

-- The intervals of a group's member; nothing for who never was one.
local function intervals_of(conversation, user)
  local row = redis.call('HGET', prefix .. 'm:' .. conversation, user)
  return row and cmsgpack.unpack(row)[4] or nil
end

-- `state` is what the viewer has of the conversation, floor and whether messages are hidden first, when the caller read it.
local function view_of(conversation, meta, viewer, station, state)
  local view = {conversation = conversation, meta = meta, low = meta.dropped + 1}
  if viewer == '' then return view end
  view.viewer = viewer
  view.station = station
  if not is_direct(meta) then
    view.intervals = intervals_of(conversation, viewer)
    view.own = not view.intervals and tonumber(viewer) or nil
  elseif not meta.users or not string.find(' ' .. meta.users .. ' ', ' ' .. viewer .. ' ', 1, true) then
    view.own = tonumber(viewer)
  end
  state = state or redis.call('HMGET', prefix .. 'v:' .. conversation, 'f' .. viewer, 'e' .. viewer)
  view.floor = state[1] and tonumber(state[1])
  if view.floor and view.floor >= view.low then view.low = view.floor + 1 end
  view.hidden = state[2] and {} or nil
  return view
end

local function within(intervals, sequence)
  for _, interval in ipairs(intervals) do
    if sequence >= interval[1] and (interval[2] < 0 or sequence <= interval[2]) then return true end
  end
  return false
end

-- Sequences of the backfill lane are negative.
local function key_of(conversation, sequence)
  if sequence < 0 then return prefix .. 'b:' .. conversation .. ':' .. math.floor(-sequence / 4096) end
  return prefix .. 'l:' .. conversation .. ':' .. math.floor(sequence / 4096)
end

-- How many records of a chunk are read at once: a megabyte, as far as the first one tells.
local function batch_at(key, sequence)
  return math.min(25, math.max(1, math.floor(1048576 / math.max(1, redis.call('HSTRLEN', key, math.abs(sequence))))))
end

local function record_at(conversation, sequence)
  return redis.call('HGET', key_of(conversation, sequence), math.abs(sequence))
end

local function is_hidden(view, sequence)
  local chunk, place = bit_of(sequence)
  local bits = view.hidden[chunk]
  if bits == nil then
    bits = redis.call('GET', prefix .. 'h:' .. view.conversation .. ':' .. chunk .. ':' .. view.viewer) or ''
    view.hidden[chunk] = bits
  end
  return is_set(bits, place)
end

-- Whom a message for some is for, as a set (false: for everybody), and the station; nothing when it is for everybody and all
-- stations. A script may ask for many users one after the other, so what was unpacked is kept.
local audiences = {}
local function audience_of(conversation, sequence)
  local place = conversation .. ' ' .. sequence
  if audiences[place] == nil then
    local row = redis.call('HGET', prefix .. 'j:' .. conversation, sequence)
    local audience = false
    if row then
      local addressees, station = unpack(cmsgpack.unpack(row))
      audience = {users = addressees and {}, station = station}
      for _, user in ipairs(addressees or {}) do audience.users[user] = true end
    end
    audiences[place] = audience
  end
  return audiences[place]
end

-- A message for some users, or for one station of them; its sender sees it anyhow. Whoever asks for no station sees those for
-- every station.
local function is_addressed(view, sequence, sender)
  if sender == tonumber(view.viewer) then return true end
  local audience = audience_of(view.conversation, sequence)
  if not audience then return true end
  if audience.station and view.station ~= '' and view.station ~= audience.station then return false end
  return not audience.users or audience.users[tonumber(view.viewer)] == true
end

-- What is left to ask of a record that is of a wanted kind and not deleted. A record of the backfill lane has in place of
-- the ordinal the number of live messages before it, its position; it is seen by who sees that place of the live lane.
local function may_see(view, sequence, record, flags)
  if not view.viewer then return true end
  local position = sequence
  if sequence < 0 then
    position = struct.unpack('>I4', record, 7)
    if view.floor and position <= view.floor then return false end
  elseif sequence < view.low then
    return false
  end
  if bit.band(flags, ONLINE_ONLY) ~= 0 then return false end
  if view.own and struct.unpack('>I6', record, 14) ~= view.own then return false end
  if view.intervals and not within(view.intervals, position) then return false end
  if view.hidden and is_hidden(view, sequence) then return false end
  return bit.band(flags, RESTRICTED) == 0 or is_addressed(view, sequence, struct.unpack('>I6', record, 14))
end

-- Whether a record is shown. `kinds` is the mask of those that are wanted.
local function is_shown(view, kinds, sequence, record)
  local kind, _, flags = string.byte(record, 11, 13)
  return bit.band(kinds, bit.lshift(1, kind)) ~= 0 and bit.band(flags, DELETED) == 0 and may_see(view, sequence, record, flags)
end
