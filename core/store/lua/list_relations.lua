-- Writes rows of one of a user's lists of others. What is newer there stays, so lists that were left behind follow when what led to
-- them is repeated. ARGV: 3 user's number, 4 list (`c`, `b`, `o`), 5 how many ended ones are kept, 6… of each other user number, id,
-- state and time of the change (ms).
local user, list = ARGV[3], 'e' .. ARGV[4]
local rows = prefix .. list .. ':' .. user
for index = 6, #ARGV, 4 do
  local other, state, changed = ARGV[index], ARGV[index + 2], tonumber(ARGV[index + 3])
  local packed = redis.call('HGET', rows, other)
  local row = packed and cmsgpack.unpack(packed)
  if row and changed >= row[4] or not row and state ~= 'e' then
    if row then redis.call('ZREM', prefix .. list .. row[2] .. ':' .. user, other) end
    local begins = not row or row[2] == 'e' and state ~= 'e'
    redis.call('HSET', rows, other, cmsgpack.pack({
      ARGV[index + 1], state, begins and changed or row[3], changed, row and not begins and state ~= 'e' and row[5] or false,
    }))
    redis.call('ZADD', prefix .. list .. state .. ':' .. user, string.format('%.0f', changed), other)
  end
end
local ended = prefix .. list .. 'e:' .. user
local surplus = redis.call('ZCARD', ended) - tonumber(ARGV[5])
if surplus > 0 then
  local oldest = redis.call('ZPOPMIN', ended, surplus)
  for index = 1, #oldest, 2 do redis.call('HDEL', rows, oldest[index]) end
end
return 1
