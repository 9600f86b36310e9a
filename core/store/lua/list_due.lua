-- Due rows by time. ARGV: 3 which (`due`, or `duef` for given-up ones), 4 what their ids begin with, 5 and 6 time and id of the
-- row to go on from (empty: the first), 7 how many. Looks at no more than 1,000, and gives about a megabyte.
-- Returns time and id to go on from (empty at the end), then id, time and value of each.
local rows, rank, bytes = prefix .. ARGV[3], 0, 0
if ARGV[6] ~= '' then
  local score = redis.call('ZSCORE', rows, ARGV[6])
  if score and tonumber(score) == tonumber(ARGV[5]) then
    rank = redis.call('ZRANK', rows, ARGV[6]) + 1
  else
    -- That row has gone, or was moved: from its time on.
    rank = redis.call('ZCOUNT', rows, '-inf', '(' .. ARGV[5])
  end
end
local found = redis.call('ZRANGE', rows, rank, rank + 999, 'WITHSCORES')
local result = {'', ''}
for index = 1, #found, 2 do
  if #result >= 2 + 3 * tonumber(ARGV[7]) or bytes >= 1048576 then break end
  local id = found[index]
  result[1], result[2] = found[index + 1], id
  if string.sub(id, 1, #ARGV[4]) == ARGV[4] then
    local value = redis.call('HGET', values, id)
    bytes = bytes + #value
    result[#result + 1] = id
    result[#result + 1] = found[index + 1]
    result[#result + 1] = value
  end
end
if rank >= redis.call('ZCARD', rows) or result[2] == found[#found - 1] and #found < 2000 then
  result[1], result[2] = '', ''
end
return result
