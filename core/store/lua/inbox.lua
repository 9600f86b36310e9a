-- The newest conversations of a box of a user in this partition.
-- ARGV: 3 user's number, 4 how many, 5 only older than this time (ms; 0: all), 6 mask of kinds, 7 box (empty: active).
-- Returns {time down to which all rows are there (0: to the end), conversation, time, …}, unordered.
local user, limit, before = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local newest = before == 0 and '+inf' or '(' .. ARGV[5]
local key = prefix .. 'x' .. ARGV[7] .. ':' .. user
local rows = redis.call('ZRANGE', key, newest, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
local down_to = 0
if #rows == 2 * limit then
  down_to = tonumber(rows[#rows])
  local seen = {}
  for index = 1, #rows, 2 do seen[rows[index]] = true end
  local last = rows[#rows]
  for _, conversation in ipairs(redis.call('ZRANGE', key, last, last, 'BYSCORE')) do
    if not seen[conversation] then
      rows[#rows + 1] = conversation
      rows[#rows + 1] = last
    end
  end
end
-- Large groups write no row a member; the member keeps a set of them, their heads say when.
for _, conversation in ipairs(redis.call('SMEMBERS', prefix .. 'y:' .. user)) do
  local meta = meta_of(conversation)
  local _, record, newest_live = last_shown(view_of(conversation, meta, user, ''), tonumber(ARGV[6]))
  local time = record and struct.unpack('>I6', record)
  local box, since = box_of(conversation, user)
  if box ~= '' and record and newest_live > since then box = '' end
  if time and box == ARGV[7] and (before == 0 or time < before) then
    rows[#rows + 1] = conversation
    rows[#rows + 1] = time
  end
end
table.insert(rows, 1, down_to)
return rows
