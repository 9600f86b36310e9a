-- A conversation for a backup, all but the most of its log at one moment. ARGV: 3 conversation, 4 sequence up to which records
-- were taken before (-1: none), 5 packed list of those among them that are not counted and were not deleted.
-- Returns {0, sequence, dropped} when too many records came since; {1, head, dropped, last of the backfill lane, tombstones,
-- audiences, records, users, parts}: the records that were deleted since, those that came since, everybody with a part in it, and
-- of each other key its name behind the tenant's prefix, type and content.
local conversation, taken = ARGV[3], tonumber(ARGV[4])
local meta = meta_of(conversation)
if not meta then return {-1} end
local reached, rows, audiences = records_after(conversation, 1, math.max(taken, meta.dropped), meta.head)
if reached < meta.head then return {0, meta.head, meta.dropped} end

local parts, users, states = {}, {}, {}
local function add(name, kind, content)
  if #content > 0 then parts[#parts + 1] = {name, kind, content} end
  return content
end
local function add_zset(name)
  add(name, 'z', redis.call('ZRANGE', prefix .. name, 0, -1, 'WITHSCORES'))
end
local function note_user(user)
  if not users[user] then
    users[user] = true
    users[#users + 1] = user
  end
end

add('n', 'h', {meta.identity, conversation})
for _, name in ipairs({'c', 'o'}) do
  add(name .. ':' .. conversation, 'h', redis.call('HGETALL', prefix .. name .. ':' .. conversation))
end
local fields = add('v:' .. conversation, 'h', redis.call('HGETALL', prefix .. 'v:' .. conversation))
for index = 1, #fields, 2 do
  states[fields[index]] = fields[index + 1]
  note_user(string.match(fields[index], '%d+$'))
end
local members = add('m:' .. conversation, 'h', redis.call('HGETALL', prefix .. 'm:' .. conversation))
for index = 1, #members, 2 do note_user(members[index]) end
for user in string.gmatch(meta.users or '', '%d+') do note_user(user) end
add_zset('a:' .. conversation)
add('rl:' .. conversation, 'l', redis.call('LRANGE', prefix .. 'rl:' .. conversation, 0, -1))
add_zset('t:' .. conversation)
add_zset('oz:' .. conversation)
if meta.group then
  add(meta.size == '2' and 'lr' or 'lg', 'z', {redis.call('HGET', prefix .. 'c:' .. conversation, 'y'), 0})
  for _, letter in ipairs({'a', 'b', 'm', 'w', 'p', 'u', 'k'}) do
    local name = 'g' .. letter .. ':' .. conversation
    add(name, 'h', redis.call('HGETALL', prefix .. name))
  end
end

for _, user in ipairs(users) do
  local place = conversation .. ':' .. user
  if meta.recalled then add_zset('t:' .. place) end
  if meta.directed then add_zset('w:' .. place) end
  local list = 'x' .. string.sub(states['b' .. user] or '', 1, 1) .. ':' .. user
  local time = redis.call('ZSCORE', prefix .. list, conversation)
  if time then add(list, 'z', {conversation, time}) end
  local memberships = (meta.size == '2' and 'ur:' or 'ug:') .. user
  local number = meta.group and redis.call('ZSCORE', prefix .. memberships, string.sub(meta.identity, 2))
  if number then add(memberships, 'z', {number, number}) end
  if meta.size == '1' and redis.call('SISMEMBER', prefix .. 'y:' .. user, conversation) == 1 then
    add('y:' .. user, 's', {conversation})
  end
end

local keys = {}
for _, user in ipairs(add('hu:' .. conversation, 's', redis.call('SMEMBERS', prefix .. 'hu:' .. conversation))) do
  add_bitmaps(keys, conversation, user, '', chunk_of(meta.dropped + 1), chunk_of(meta.head))
  if meta.backfill then add_bitmaps(keys, conversation, user, 'b', 0, chunk_of(meta.backfill)) end
end
for _, key in ipairs(keys) do
  local bits = redis.call('GET', key)
  if bits then add(string.sub(key, #prefix + 1), 'v', {bits}) end
end

-- What was taken before may be deleted by now, and what is counted here knows it.
local tombstones = {}
local function look(sequence)
  local record = sequence > meta.dropped and sequence <= taken and record_at(conversation, sequence)
  if record and bit.band(string.byte(record, 13), 1) ~= 0 then
    tombstones[#tombstones + 1] = sequence
    tombstones[#tombstones + 1] = record
  end
end
for _, sequence in ipairs(cmsgpack.unpack(ARGV[5])) do look(sequence) end
for _, sequence in ipairs(redis.call('ZRANGE', prefix .. 't:' .. conversation, 0, -1)) do look(tonumber(sequence)) end
return {1, meta.head, meta.dropped, tonumber(meta.backfill or '0'), tombstones, audiences, rows, users, parts}
