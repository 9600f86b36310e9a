-- How many unread messages a user has, without looking at them. They are the counted messages (header flag 8) by others,
-- above what is read, cleared, dropped and was there before joining; less the recalled and hidden ones among them, and the
-- countable ones for this user alone. Each is subtracted once, only if it was added.

local function ordinal_at(conversation, meta, sequence)
  if sequence >= meta.head then return meta.ordinal end
  if sequence <= meta.dropped then return meta.dropped_ordinal end
  return (struct.unpack('>I4', record_at(conversation, sequence), 7))
end

-- The last sequence that came to a user: what is sent after leaving does not.
local function end_of(view)
  local newest = view.intervals and view.intervals[#view.intervals]
  return newest and newest[2] >= 0 and newest[2] or view.meta.head
end

-- From where to where messages are new to a user whose read position is given. Nothing for who never was a member, and in
-- a room, where nobody has unread messages.
local function new_messages(view, read)
  local meta, intervals = view.meta, view.intervals
  if view.own or meta.size == '2' then return 0, 0 end
  local from = math.max(read, view.floor or 0, meta.dropped)
  if intervals then from = math.max(from, intervals[#intervals][3]) end
  return from, math.max(from, end_of(view))
end

-- Hidden messages between two sequences, both inclusive; a recalled one is subtracted as such. It is looked for here, since whoever
-- recalls one can't go through all from whom it may be hidden.
local function count_hidden(view, first, last)
  local count, recalled = 0, view.meta.recalled and prefix .. 't:' .. view.conversation
  for chunk = math.floor(first / 4096), math.floor(last / 4096) do
    local from, to = math.max(first, chunk * 4096), math.min(last, chunk * 4096 + 4095)
    local key = prefix .. 'hc:' .. view.conversation .. ':' .. chunk .. ':' .. view.viewer
    local hidden = redis.call('BITCOUNT', key, from % 4096, to % 4096, 'BIT')
    if hidden > 0 and recalled then
      local bits = redis.call('GET', key)
      for _, sequence in ipairs(redis.call('ZRANGE', recalled, from, to, 'BYSCORE')) do
        if is_set(bits, sequence % 4096) then hidden = hidden - 1 end
      end
    end
    count = count + hidden
  end
  return count
end

-- `own` is the count of own counted messages since what is read.
local function unread_of(view, read, own)
  local from, top = new_messages(view, read)
  if from == top then return 0 end
  local conversation, meta, user = view.conversation, view.meta, view.viewer
  local count = ordinal_at(conversation, meta, top) - ordinal_at(conversation, meta, from) - own
  local after = '(' .. from
  if meta.recalled then
    local key = prefix .. 't:' .. conversation
    count = count - redis.call('ZCOUNT', key, after, top) + redis.call('ZCOUNT', key .. ':' .. user, after, top)
  end
  if view.hidden then count = count - count_hidden(view, from + 1, top) end
  if meta.directed then count = count + redis.call('ZCOUNT', prefix .. 'w:' .. conversation .. ':' .. user, after, top) end
  return count
end

-- Own counted messages between two sequences, the first exclusive.
local function count_own(conversation, user, from, to)
  local count, sender = 0, tonumber(user)
  local sequence = from + 1
  while sequence <= to do
    local chunk, wanted = math.floor(sequence / 4096), {}
    while #wanted < 500 and sequence <= to and math.floor(sequence / 4096) == chunk do
      wanted[#wanted + 1] = sequence
      sequence = sequence + 1
    end
    for _, record in ipairs(redis.call('HMGET', prefix .. 'l:' .. conversation .. ':' .. chunk, unpack(wanted))) do
      if record and bit.band(string.byte(record, 13), COUNTED) ~= 0 and struct.unpack('>I6', record, 14) == sender then
        count = count + 1
      end
    end
  end
  return count
end

-- How many own counted messages come after a position to which a user moves, and how far it was moved by now: the shorter of the
-- two ways is gone, at most 4,096 messages at a time. `own` comes after `from`, where the user is, and up to `top`.
local function own_after(view, own, from, top, asked)
  if asked - from <= 4096 and asked - from < top - asked then
    return own - count_own(view.conversation, view.viewer, from, asked), asked
  elseif top - asked <= 4096 then
    return count_own(view.conversation, view.viewer, asked, top), asked
  end
  return own - count_own(view.conversation, view.viewer, from, from + 4096), from + 4096
end
