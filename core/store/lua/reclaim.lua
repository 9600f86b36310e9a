-- Deletes keys of a generation that has ended, in one partition: those that its numbers lead to, never by looking at all keys.
-- What is deleted is noted by its absence, so the next call goes on from there, whoever makes it.
-- ARGV: 1 version, 2 generation, 3 now (ms), 4 about how many keys to delete. Returns 1, or 0 when nothing is left.
local now = tonumber(ARGV[3])
room = tonumber(ARGV[4])
local counters = prefix .. 'k'

-- Empties a hash whose fields end in users' numbers, with what these lead to. Everybody who has a key or a row here is a
-- member, one of the two, or has a field among the states.
local function reclaim_users(conversation, key)
  local seen = {}
  empty('HSCAN', 2, key, 100, counters, function(field)
    local user = string.match(field, '%d+$')
    if not seen[user] then
      seen[user] = true
      room = room - unlink(keys_of_user(conversation, user)) - unlink(lists_of(user))
    end
    redis.call('HDEL', key, field)
  end)
end

local function reclaim_topics(conversation)
  local key = prefix .. 'o:' .. conversation
  empty('HSCAN', 2, key, 100, counters, function(topic)
    room = room - unlink({prefix .. 'ot:' .. conversation .. ':' .. topic})
    redis.call('HDEL', key, topic)
  end)
end

local function reclaim_bitmaps(conversation, head, backfill)
  local key = prefix .. 'hu:' .. conversation
  empty('SSCAN', 1, key, 10, counters, function(user)
    local keys = {}
    add_bitmaps(keys, conversation, user, '', 0, chunk_of(head))
    add_bitmaps(keys, conversation, user, 'b', 0, chunk_of(backfill))
    room = room - unlink(keys)
    redis.call('SREM', key, user)
  end)
end

-- Chunks of a lane, the last ones first: what is left is told by the field that says where the lane ends.
local function reclaim_chunks(conversation, letter, field, first, last)
  while room > 0 and last >= first do
    local from = math.max(first, last - 499)
    local keys = {}
    add_chunks(keys, conversation, letter, from, last)
    room = room - unlink(keys)
    last = from - 1
    redis.call('HSET', prefix .. 'c:' .. conversation, field, last * 4096)
  end
end

-- Notes from when to when (ms) something was sent: that leads to the feeds.
local function note_times(conversation, dropped, newest)
  if newest == 0 then return end
  local first = dropped + 1
  local record = redis.call('HGET', prefix .. 'l:' .. conversation .. ':' .. chunk_of(first), first)
  local from = record and struct.unpack('>I6', record) or newest
  if dropped > 0 then from = math.min(from, newest - 2678400000) end -- feeds are kept for 31 days
  local imported = redis.call('ZRANGE', prefix .. 'bt:' .. conversation, 0, 0, 'WITHSCORES')[2]
  if imported then from = math.min(from, tonumber(imported)) end
  local times = redis.call('HMGET', counters, 'from', 'to')
  redis.call('HSET', counters, 'from', string.format('%.0f', math.min(from, tonumber(times[1] or from))),
    'to', string.format('%.0f', math.max(newest, tonumber(times[2] or newest))))
end

-- Returns whether nothing is left of it.
local function reclaim_conversation(conversation)
  local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'h', 'd', 'b', 'u', 't')
  local head, dropped, backfill = fields[1], tonumber(fields[2] or '0'), fields[3]
  reclaim_users(conversation, prefix .. 'm:' .. conversation)
  reclaim_users(conversation, prefix .. 'v:' .. conversation)
  reclaim_topics(conversation)
  reclaim_bitmaps(conversation, head, backfill)
  if backfill then reclaim_chunks(conversation, 'b', 'b', 0, chunk_of(backfill)) end
  local first = chunk_of(dropped + 1)
  reclaim_chunks(conversation, 'l', 'h', first + 1, chunk_of(head))
  if room <= 0 then return false end
  for user in string.gmatch(fields[4] or '', '%d+') do
    room = room - unlink(keys_of_user(conversation, user)) - unlink(lists_of(user))
  end
  note_times(conversation, dropped, tonumber(fields[5] or '0'))
  local keys = {prefix .. 'l:' .. conversation .. ':' .. first}
  for _, name in ipairs({'c', 'bt', 'be', 'j', 'a', 't', 'tv', 'rl', 'ic', 'oz'}) do keys[#keys + 1] = prefix .. name .. ':' .. conversation end
  add_group_keys(keys, conversation)
  room = room - unlink(keys)
  return true
end

local function reclaim_conversations()
  local buckets = redis.call('HGETALL', counters)
  for index = 1, #buckets, 2 do
    local bucket = tonumber(buckets[index])
    for number = bucket and tonumber(buckets[index + 1]) or 0, 1, -1 do
      if room <= 0 or not reclaim_conversation(string.format('%.0f', bucket * 4194304 + number)) then return false end
      redis.call('HSET', counters, bucket, number - 1)
    end
  end
  return true
end

-- Users whose names lie here.
local function reclaim_names()
  local key = prefix .. 'w'
  empty('HSCAN', 2, key, 30, counters, function(user, id)
    room = room - unlink(relations_of(user)) - unlink({prefix .. 'at:' .. id})
    redis.call('HDEL', key, user)
  end)
  return redis.call('EXISTS', key) == 0
end

local function reclaim_feeds()
  local times = redis.call('HMGET', counters, 'from', 'to')
  local hour, last = math.floor(tonumber(times[1] or '0') / 3600000), math.floor(tonumber(times[2] or '-1') / 3600000)
  while hour <= last do
    if room <= 0 then return false end
    local keys = {}
    for each = hour, math.min(hour + 499, last) do keys[#keys + 1] = prefix .. 'H:' .. each end
    room = room - unlink(keys)
    hour = hour + 500
    redis.call('HSET', counters, 'from', string.format('%.0f', hour * 3600000))
  end
  return true
end

-- Files end one by one, since their bytes lie elsewhere.
local function reclaim_files()
  local key = prefix .. 'fi'
  empty('HSCAN', 2, key, 100, counters, function(id)
    room = room - 2
    end_file(prefix, id)
  end)
  return redis.call('EXISTS', key) == 0
end

-- Rows of references that are younger than their life, by the clock now or when the newest message came. Others have ended.
local function reclaim_references(time)
  local keys = {}
  for class, period in pairs({c = 86400000, o = 60000}) do
    local turn = math.floor(time / period)
    for each = turn - 3, turn + 1 do keys[#keys + 1] = prefix .. 'r' .. class .. each end
  end
  unlink(keys)
end

if not (reclaim_conversations() and reclaim_feeds() and reclaim_names() and reclaim_files()) then return 1 end
reclaim_references(now)
reclaim_references(tonumber(redis.call('HGET', counters, 'to') or now))
local keys = {}
for _, name in ipairs({'n', 'd', 'i', 'ti', 'tn', 'due', 'duef', 'dueb', 'u', 'w', 'f', 'p', 's', 'z', 'pr', 'q', 'wk', 'lg', 'lr', 'k'}) do
  keys[#keys + 1] = prefix .. name
end
unlink(keys)
redis.call('ZREM', string.match(base, '^cg{[^}]*}') .. ':due', string.match(base, '}(.*)$') .. ':' .. ARGV[2])
return 0
