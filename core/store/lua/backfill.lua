-- Stores imported messages of one conversation in the backfill lane, each at its own time or at the next one that is free in
-- both lanes. Each is checked before it is written; at the first that is refused the script ends.
-- ARGV: 3 now (ms), 4 identity, 5 bucket, 6 mask of the kinds that lists show, 7 and 8 the numbers of a direct conversation's
--       users in the order of its identity (empty for a group), 9… of each message external id, time (ms), sender's number,
--       kind, topic (empty: none), body.
-- Returns sequence (negative), time and whether it was there already of each, after the conversation and whether `raise_rows` has to
-- go on; of fewer than were given when the next one's time would run over half a second before the clock. {0} for a group that was
-- deleted. Error FULL.
local now, identity, mask, one, two = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[6]), ARGV[7], ARGV[8]
local conversation = redis.call('HGET', prefix .. 'n', identity)
local fields = conversation and redis.call('HMGET', prefix .. 'c:' .. conversation, 'b', 'z') or {}
if fields[2] then return {0} end
local last = tonumber(fields[1] or '0')
if last + (#ARGV - 8) / 6 > 536870911 then return redis.error_reply('-FULL refused') end -- 2^29 - 1
conversation = conversation or conversation_of(identity, ARGV[5])
if not conversation then return redis.error_reply('-FULL refused') end

local meta = meta_of(conversation)
if one ~= '' then
  note_pair(conversation, meta.users, one, two, meta.head)
  meta.users = one .. ' ' .. two
end
local times, ids, key = prefix .. 'bt:' .. conversation, prefix .. 'be:' .. conversation, prefix .. 'c:' .. conversation
local newest = tonumber(redis.call('HGET', key, 't') or '0')

-- How many live messages come before a time: from `low` to `high`.
local function before(time, low, high)
  return first_since(conversation, time, low + 1, high) - 1
end

-- The same, near to where the message before went: history comes in order, mostly.
local near = meta.dropped
local function before_anywhere(time)
  local low, high = meta.dropped, meta.head
  if near < high and struct.unpack('>I6', record_at(conversation, near + 1)) < time then
    low = near + 1
  else
    high = near
    if near > low and struct.unpack('>I6', record_at(conversation, near)) < time then low = near end
  end
  near = before(time, low, high)
  return near
end

-- The first free time from `time` on, and how many live messages come before it. From `time` to `time + span - 1` there are as
-- many messages of both lanes as milliseconds while none is free; so the free one is found without a look at each.
local function free_time(time)
  local position = before_anywhere(time)
  local function is_taken(span)
    local live = before(time + span, position, math.min(meta.head, position + span)) - position
    return live + redis.call('ZCOUNT', times, time, time + span - 1) == span
  end
  if not is_taken(1) then return time, position end
  local taken, free = 1, 2
  while is_taken(free) do taken, free = free, 2 * free end
  while free - taken > 1 do
    local middle = math.floor((taken + free) / 2)
    if is_taken(middle) then taken = middle else free = middle end
  end
  time = time + taken
  return time, before(time, position, math.min(meta.head, position + taken))
end

local result, stored, senders, lowest = {tonumber(conversation), 0}, {}, {}, math.huge
for index = 9, #ARGV, 6 do
  local known_sequence = redis.call('HGET', ids, ARGV[index])
  if known_sequence then
    local record = record_at(conversation, -known_sequence)
    -- Whoever imported it may not have come to the end.
    if record then lowest = math.min(lowest, (struct.unpack('>I4', record, 7))) end
    result[#result + 1] = -known_sequence
    result[#result + 1] = record and struct.unpack('>I6', record) or tonumber(ARGV[index + 1])
    result[#result + 1] = 1
  else
    local time, position = free_time(tonumber(ARGV[index + 1]))
    -- Half of what live messages may run ahead, so that imports alone keep nobody from sending.
    if time > now + 500 then break end
    last = last + 1
    lowest = math.min(lowest, position)
    local record = struct.pack('>I6I4BI2I6', time, position, tonumber(ARGV[index + 3]), 0, tonumber(ARGV[index + 2]))
      .. ARGV[index + 5]
    redis.call('HSET', key_of(conversation, -last), last, record)
    redis.call('HSET', key, 'b', last)
    if time > newest then
      newest = time
      redis.call('HSET', key, 't', string.format('%.0f', time))
    end
    redis.call('ZADD', times, time, last)
    redis.call('HSET', ids, ARGV[index], last)
    if ARGV[index + 4] ~= '' then
      redis.call('ZADD', prefix .. 'ot:' .. conversation .. ':' .. ARGV[index + 4], time, -last)
    end
    local feed = prefix .. 'H:' .. math.floor(time / 3600000)
    if redis.call('SADD', feed, conversation) == 1 then redis.call('PEXPIRE', feed, 2678400000, 'NX') end -- 31 days
    senders[ARGV[index + 2]] = true
    stored[#stored + 1] = {sequence = -last, time = time, record = record}
    result[#result + 1] = -last
    result[#result + 1] = time
    result[#result + 1] = 0
  end
end

-- A list stands at the last message that its user is shown. A large group and a room write no rows of their members.
table.sort(stored, function(a, b) return a.time > b.time end)
local function raise(user) raise_row(conversation, meta, user, stored, mask) end
if meta.size ~= '2' and each_user(conversation, meta, nil, lowest, raise) then result[2] = 1 end
-- Everybody who sent something is found again; a room keeps nothing of members who left.
for sender in pairs(senders) do
  local stranger = one == '' and redis.call('HEXISTS', prefix .. 'm:' .. conversation, sender) == 0
  if stranger or meta.size == '2' then redis.call('HSETNX', prefix .. 'v:' .. conversation, 'o' .. sender, 1) end
  if stranger and meta.size ~= '2' then raise(sender) end
end
return result
