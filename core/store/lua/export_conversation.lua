-- A conversation for a backup, at one moment: all but the most of its log, and of the people of a large one those alone whom
-- something concerned since they were taken.
-- ARGV: 3 conversation, 4 sequence up to which records were taken before (-1: none), 5 how many had been recalled before that, 6 stamp
-- under which people were taken (empty: none were), 7 how many fields of people are taken here at most, 8… people to be taken again.
-- Returns {-1} for none. {0, why, head, dropped, how many were recalled so far, stamp} when more has to be taken before: too many
-- records came since (`log`), people first or all again (`people`), too many of them again (`again`), all again since too many were
-- recalled (`all`). Else {1, head, dropped, last of the backfill lane, number of the last topic, tombstones, audiences, records,
-- parts of people, of each other key its name behind the tenant's prefix, type and content}: the records that were recalled since,
-- those that came since.
local conversation, taken, known_recalls, stamp = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local meta = meta_of(conversation)
if not meta then return {-1} end
local recalls = tonumber(redis.call('HGET', prefix .. 'c:' .. conversation, 'v') or '0')
local function more(why) return {0, why, meta.head, meta.dropped, recalls, stamp_of(conversation)} end

local reached, rows, audiences, concerned = records_after(conversation, 1, math.max(taken, meta.dropped), meta.head)
if reached < meta.head then return more('log') end
local recalled = {}
if taken >= 0 and recalls > known_recalls then
  recalled = redis.call('LRANGE', prefix .. 'tv:' .. conversation, known_recalls - recalls, -1)
  if #recalled < recalls - known_recalls then return more('all') end
end

local users, add_user = new_set()
local members, states = prefix .. 'm:' .. conversation, prefix .. 'v:' .. conversation
if stamp == '' then
  if redis.call('HLEN', members) + redis.call('HLEN', states) > tonumber(ARGV[7]) then return more('people') end
  for _, user in ipairs(redis.call('HKEYS', members)) do add_user(users, user) end
  for _, field in ipairs(redis.call('HKEYS', states)) do add_user(users, string.match(field, '%d+$')) end
else
  if stamp ~= stamp_of(conversation) then return more('people') end
  for index = 8, #ARGV do add_user(users, ARGV[index]) end
  for _, user in ipairs(concerned) do add_user(users, user) end
  -- Of a small group a message moves everybody's row.
  for _, user in ipairs(meta.size and {} or redis.call('ZRANGE', prefix .. 'a:' .. conversation, 0, -1)) do add_user(users, user) end
end
for user in string.gmatch(meta.users or '', '%d+') do add_user(users, user) end
local people, room = {}, 20000
for _, user in ipairs(users) do
  room = room - add_person(people, conversation, meta, user)
  if room <= 0 then return more(stamp == '' and 'people' or 'again') end
end

local parts = {}
local function add(name, kind, content)
  if #content > 0 then parts[#parts + 1] = {name, kind, content} end
end
add('n', 'h', {meta.identity, conversation})
add('c:' .. conversation, 'h', redis.call('HGETALL', prefix .. 'c:' .. conversation))
add('tv:' .. conversation, 'l', redis.call('LRANGE', prefix .. 'tv:' .. conversation, 0, -1))
add('rl:' .. conversation, 'l', redis.call('LRANGE', prefix .. 'rl:' .. conversation, 0, -1))
if meta.group then
  add(meta.size == '2' and 'lr' or 'lg', 'z', {redis.call('HGET', prefix .. 'c:' .. conversation, 'y'), 0})
  add('gk:' .. conversation, 'h', redis.call('HGETALL', prefix .. 'gk:' .. conversation))
end
local tombstones = {}
for _, sequence in ipairs(recalled) do
  sequence = tonumber(sequence)
  if sequence > meta.dropped and sequence <= taken then
    tombstones[#tombstones + 1] = sequence
    tombstones[#tombstones + 1] = record_at(conversation, sequence)
  end
end
local topic = redis.call('ZRANGE', prefix .. 'oz:' .. conversation, -1, -1)[1]
return {1, meta.head, meta.dropped, tonumber(meta.backfill or '0'), tonumber(topic or '0'), tombstones, audiences, rows, people, parts}
