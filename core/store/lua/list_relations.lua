-- Writes rows of one of a user's lists of others. What is newer there stays, so lists that were left behind follow when what led to
-- them is repeated. A row that begins at 0 stands for what never was: it keeps out what comes late.
-- ARGV: 3 user's number, 4 list (`c`, `b`, `o`), 5 how many ended ones are kept, 6… of each other user number, id, state and time
-- of the change (ms).
local user, list = ARGV[3], 'e' .. ARGV[4]
local rows = prefix .. list .. ':' .. user
for index = 6, #ARGV, 4 do
  local other, state, changed = ARGV[index], ARGV[index + 2], tonumber(ARGV[index + 3])
  local packed = redis.call('HGET', rows, other)
  local row = packed and cmsgpack.unpack(packed)
  if not row or changed >= row[4] then
    if row then redis.call('ZREM', prefix .. list .. row[2] .. ':' .. user, other) end
    local since, remark = row and row[3] or 0, row and row[5] or false
    if state == 'e' then
      remark = false
    elseif not row or row[2] == 'e' then
      since = changed
    end
    redis.call('HSET', rows, other, cmsgpack.pack({ARGV[index + 1], state, since, changed, remark}))
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
