-- Changes what the two users of a direct conversation are to each other. This row decides; the users' lists follow it.
-- ARGV: 3 now (ms), 4 identity, 5 bucket, 6 and 7 the users' numbers in the order of the identity, 8 number of the one who acts,
--       9 what: `add`, `befriend` (both), `request`, `accept`, `decline`, `remove`, `part` (both), `block`, `unblock`.
-- Returns whether it could be done, then what the first and the second are to each other as contacts and when that changed, and
-- whether and since when the first blocks the other, and the second; error FULL. A contact is `a`, or `s` once asked for.
local now, identity, one, two, what = tonumber(ARGV[3]), ARGV[4], ARGV[6], ARGV[7], ARGV[9]
local conversation = redis.call('HGET', prefix .. 'n', identity)
local fields = conversation and redis.call('HMGET', prefix .. 'c:' .. conversation, 'f', 'u', 'h') or {}
local row = fields[1] and cmsgpack.unpack(fields[1])
-- A name that was erased and came back is another user.
if not row or row[1] ~= one or row[2] ~= two then row = {one, two, {'', '', 0}, {'', 0}, {'', 0}} end
local me = ARGV[8] == one and 1 or 2
local contact, block, done, changed = row[3], row[3 + me], 1, false
local mine, theirs = contact[me], contact[3 - me]

if what == 'add' then
  mine = 'a'
elseif what == 'befriend' then
  mine, theirs = 'a', 'a'
elseif what == 'request' then
  if theirs ~= '' then mine, theirs = 'a', 'a' elseif mine == '' then mine = 's' end
elseif what == 'accept' then
  if theirs == 's' then mine, theirs = 'a', 'a' elseif mine ~= 'a' or theirs ~= 'a' then done = 0 end
elseif what == 'decline' then
  if theirs == 's' then theirs = '' else done = 0 end
elseif what == 'remove' then
  mine = ''
elseif what == 'part' then
  mine, theirs = '', ''
else
  local wanted = what == 'block' and 'a' or ''
  changed = block[1] ~= wanted
  if changed then
    block[1] = wanted
    block[2] = math.max(now, block[2] + 1)
  end
end
if mine ~= contact[me] or theirs ~= contact[3 - me] then
  contact[me], contact[3 - me] = mine, theirs
  contact[3] = math.max(now, contact[3] + 1)
  changed = true
end

if changed then
  conversation = conversation or conversation_of(identity, ARGV[5])
  if not conversation then return redis.error_reply('-FULL refused') end
  note_pair(conversation, fields[2], one, two, fields[3] or 0)
  local key = prefix .. 'c:' .. conversation
  redis.call('HSET', key, 'f', cmsgpack.pack(row))
  local limits = (row[4][1] == 'a' and FIRST_BLOCKS or 0) + (row[5][1] == 'a' and SECOND_BLOCKS or 0)
  if limits > 0 then redis.call('HSET', key, 'q', limits) else redis.call('HDEL', key, 'q') end
end
return {done, contact[1], contact[2], contact[3], row[4][1], row[4][2], row[5][1], row[5][2]}
