-- The newest conversations of a box of a user in this partition.
-- ARGV: 3 user's number, 4 how many, 5 only older than this time (ms; 0: all), 6 mask of kinds, 7 box (empty: active, `*`: of each
-- box as many).
-- Returns {time down to which all rows are there (0: to the end), conversation, time, …}, unordered.
local user, limit, before = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local newest = before == 0 and '+inf' or '(' .. ARGV[5]
local rows, down_to = {}, 0
for _, box in ipairs(ARGV[7] == '*' and {'', 'a', 'h'} or {ARGV[7]}) do
  local key = prefix .. 'x' .. box .. ':' .. user
  local some = redis.call('ZRANGE', key, newest, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
  if #some == 2 * limit then
    local seen, last = {}, some[#some]
    down_to = math.max(down_to, tonumber(last))
    for index = 1, #some, 2 do seen[some[index]] = true end
    for _, conversation in ipairs(redis.call('ZRANGE', key, last, last, 'BYSCORE')) do
      if not seen[conversation] then
        some[#some + 1] = conversation
        some[#some + 1] = last
      end
    end
  end
  for _, value in ipairs(some) do rows[#rows + 1] = value end
end
-- Large groups write no row a member; the member keeps a set of them, their heads say when.
for _, conversation in ipairs(redis.call('SMEMBERS', prefix .. 'y:' .. user)) do
  local meta = meta_of(conversation)
  local _, record, newest_live = last_shown(view_of(conversation, meta, user, ''), tonumber(ARGV[6]))
  local time = record and struct.unpack('>I6', record)
  local box, since = box_of(conversation, user)
  if box ~= '' and record and newest_live > since then box = '' end
  if time and (ARGV[7] == '*' or box == ARGV[7]) and (before == 0 or time < before) then
    rows[#rows + 1] = conversation
    rows[#rows + 1] = time
  end
end
table.insert(rows, 1, down_to)
return rows
