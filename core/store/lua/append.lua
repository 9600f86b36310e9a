-- Appends one message to the live lane of a conversation, with everything that belongs to it. All checks come before the
-- first write, since a failing script keeps what it wrote.
-- ARGV: 3 now (ms), 4 identity, 5 bucket, 6 sender's number, 7 reference, 8 class of the reference row, 9 its period (ms),
--       10 kind, 11 flags, 12 touches the inboxes, 13 bound of the outbox (0: no consumer), 14 packed audience {addressees,
--       station, without} (empty: everybody), 15 topic (empty: none), 16 body, 17 what is checked of the sender (as in
--       limits.lua), 18 external id, that makes a second message of the conversation with it the first (empty: none), 19 and 20
--       the numbers of a direct conversation's users in the order of its identity.
-- Returns {conversation, sequence, time, repeated}, the sequence negative for one of the backfill lane; {0, why, 0, 0} when it
-- is refused, as limits.lua says, 7 for who is blocked by the other one, 8 for who blocks him, or 0 for a topic that the
-- conversation has not; errors AHEAD (time would run over a second before the clock), FULL, QUEUE (the outbox is full).
local now, identity, sender, period = tonumber(ARGV[3]), ARGV[4], ARGV[6], tonumber(ARGV[9])
local external, one, two = ARGV[18], ARGV[19], ARGV[20]
local conversation = redis.call('HGET', prefix .. 'n', identity)
local meta, users, large, boxed, limits
local head, last, ordinal = 0, 0, 0
if conversation then
  meta = prefix .. 'c:' .. conversation
  local fields = redis.call('HMGET', meta, 'h', 't', 'o', 'l', 'u', 'a', 'q')
  head = tonumber(fields[1] or '0')
  last = tonumber(fields[2] or '0')
  ordinal = tonumber(fields[3] or '0')
  large, users, boxed, limits = fields[4], fields[5], fields[6], fields[7]
  -- Rows are filed by the message's time, which never runs backwards as the callers' clocks may.
  local first = first_result(ARGV[8], period, math.max(now, last), conversation .. ':' .. sender .. ':' .. ARGV[7])
  if first then
    local sequence, time = struct.unpack('>I4I6', first)
    return {tonumber(conversation), sequence, time, 1}
  end
end
if one then
  -- A block is between the users whose conversation it is now.
  if limits and ARGV[17] ~= '' and users == one .. ' ' .. two then
    local own, theirs = FIRST_BLOCKS, SECOND_BLOCKS
    if sender ~= one then own, theirs = theirs, own end
    if bit.band(tonumber(limits), theirs) ~= 0 then return {0, 7, 0, 0} end
    if ARGV[17] == 'e' and bit.band(tonumber(limits), own) ~= 0 then return {0, 8, 0, 0} end
  end
elseif limits or ARGV[17] ~= '' then
  local refused = why_refused(conversation, tonumber(limits or '0'), sender, ARGV[17], now)
  if refused then return {0, refused, 0, 0} end
end
local named = external ~= '' and conversation and redis.call('HGET', prefix .. 'be:' .. conversation, external)
if named then
  local place, lane = math.abs(named), tonumber(named) < 0 and 'l:' or 'b:'
  local record = redis.call('HGET', prefix .. lane .. conversation .. ':' .. math.floor(place / 4096), place)
  if record then return {tonumber(conversation), -named, struct.unpack('>I6', record), 1} end
end
if ARGV[15] ~= '' and not (conversation and redis.call('HEXISTS', prefix .. 'o:' .. conversation, ARGV[15]) == 1) then
  return {0, 0, 0, 0}
end
local time = last < now and now or last + 1
if time > now + 1000 then return redis.error_reply('-AHEAD refused') end
if head >= 536870911 then return redis.error_reply('-FULL refused') end -- 2^29 - 1
local bound = tonumber(ARGV[13])
if outbox_is_full(bound) then return redis.error_reply('-QUEUE refused') end

if not conversation then
  conversation = conversation_of(identity, ARGV[5])
  if not conversation then return redis.error_reply('-FULL refused') end
  meta = prefix .. 'c:' .. conversation
end
local sequence = head + 1
local flags = tonumber(ARGV[11])
local counted = bit.band(flags, COUNTED) ~= 0
if counted then ordinal = ordinal + 1 end
redis.call('HSET', prefix .. 'l:' .. conversation .. ':' .. math.floor(sequence / 4096), sequence,
  struct.pack('>I6I4BI2I6', time, ordinal, tonumber(ARGV[10]), flags, tonumber(sender)) .. ARGV[16])
if external ~= '' then redis.call('HSET', prefix .. 'be:' .. conversation, external, -sequence) end
local touches = ARGV[12] == '1'
-- `s` is the newest that touches lists.
local newest = touches and {'s', sequence} or {}
redis.call('HSET', meta, 'h', sequence, 't', string.format('%.0f', time), 'o', ordinal, unpack(newest))

local state = prefix .. 'v:' .. conversation
note_pair(conversation, users, one, two, head)
-- Own messages are no unread ones: a user who may have unread ones has a count of them.
if counted and large ~= '2' and (one or redis.call('ZSCORE', prefix .. 'a:' .. conversation, sender)) then
  redis.call('HINCRBY', state, 'k' .. sender, 1)
end
-- Everybody who sent something is found again; a room keeps nothing of members who left.
local stranger = not one and redis.call('HEXISTS', prefix .. 'm:' .. conversation, sender) == 0
if stranger or large == '2' then redis.call('HSETNX', state, 'o' .. sender, 1) end
local audience = ARGV[14] ~= '' and cmsgpack.unpack(ARGV[14])
local addressees = audience and audience[1] or nil
if audience then
  if bit.band(flags, RESTRICTED) ~= 0 then
    redis.call('HSET', prefix .. 'j:' .. conversation, sequence,
      cmsgpack.pack({addressees or false, audience[2] or false, audience[3]}))
  end
  if addressees and large ~= '2' and ARGV[10] == '0' and bit.band(flags, ONLINE_ONLY) == 0 then
    redis.call('HSET', meta, 'w', 1)
    for _, number in ipairs(addressees) do
      local user = string.format('%.0f', number)
      local present = user == one or user == two or redis.call('ZSCORE', prefix .. 'a:' .. conversation, user)
      if user ~= sender and present then
        redis.call('ZADD', prefix .. 'w:' .. conversation .. ':' .. user, sequence, sequence)
      end
    end
  end
  for _, user in ipairs(audience[3]) do
    local left_out = string.format('%.0f', user)
    hide(conversation, sequence, left_out, counted and left_out ~= sender)
  end
end

if touches and large ~= '2' then
  local rows
  if one then
    rows = one == two and {one} or {one, two}
  else
    rows = not large and redis.call('ZRANGE', prefix .. 'a:' .. conversation, 0, -1) or {}
    -- Who never was a member is shown the own messages, so the row says when the last one was.
    if stranger then rows[#rows + 1] = sender end
  end
  local shown
  if audience then
    shown = {}
    for _, user in ipairs(rows) do shown[user] = not addressees or user == sender end
    for _, user in ipairs(addressees or {}) do shown[string.format('%.0f', user)] = true end
    for _, user in ipairs(audience[3]) do shown[string.format('%.0f', user)] = false end
  end
  for _, user in ipairs(rows) do
    if not shown or shown[user] then
      if boxed then take_out_of_box(conversation, user) end
      redis.call('ZADD', prefix .. 'x:' .. user, time, conversation)
    end
  end
end
if ARGV[15] ~= '' then redis.call('ZADD', prefix .. 'ot:' .. conversation .. ':' .. ARGV[15], time, sequence) end
local feed = prefix .. 'H:' .. math.floor(time / 3600000)
if redis.call('SADD', feed, conversation) == 1 then redis.call('PEXPIRE', feed, 2678400000, 'NX') end -- 31 days
keep_result(ARGV[8], period, time, conversation .. ':' .. sender .. ':' .. ARGV[7], struct.pack('>I4I6', sequence, time))
tell('message', conversation, sequence, time, identity, one, two, bound)
return {tonumber(conversation), sequence, time, 0}
