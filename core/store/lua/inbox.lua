-- The newest conversations of a user in this partition.
-- ARGV: 3 user's number, 4 how many, 5 only older than this time (ms; 0: all), 6 mask of kinds.
-- Returns {conversation, time, …}, unordered; rows of the time at which the count ends are all there.
local newest = ARGV[5] == '0' and '+inf' or '(' .. ARGV[5]
local key = prefix .. 'x:' .. ARGV[3]
local rows = redis.call('ZRANGE', key, newest, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[4], 'WITHSCORES')
if #rows == 2 * tonumber(ARGV[4]) then
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
for _, conversation in ipairs(redis.call('SMEMBERS', prefix .. 'y:' .. ARGV[3])) do
  local time = last_time(conversation, tonumber(ARGV[6]), intervals_of(conversation, ARGV[3]))
  if time and (ARGV[5] == '0' or time < tonumber(ARGV[5])) then
    rows[#rows + 1] = conversation
    rows[#rows + 1] = time
  end
end
return rows
