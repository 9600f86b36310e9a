-- Writes rows of one of a user's lists of others. What is newer there stays, so lists that were left behind follow when what led to
-- them is repeated. That something never was (`n`) is noted too: it keeps out what comes late.
-- ARGV: 3 user's number, 4 list (`c`, `b`, `o`), 5 how many of those that are over are kept, 6… of each other user number, id,
-- state and time of the change (ms).
local user, list, kept = ARGV[3], prefix .. 'e' .. ARGV[4], tonumber(ARGV[5])
local rows = list .. ':' .. user
for index = 6, #ARGV, 4 do
  local other, state, changed = ARGV[index], ARGV[index + 2], tonumber(ARGV[index + 3])
  local packed = redis.call('HGET', rows, other)
  local row = packed and cmsgpack.unpack(packed)
  if not row or changed >= row[4] then
    if row then redis.call('ZREM', list .. row[2] .. ':' .. user, other) end
    local was = row and row[2] or 'n'
    local since, remark = changed, false
    if state == 'e' and was == 'n' then
      state = 'n'
    elseif row and (was == state or was ~= 'e' and was ~= 'n') then
      since = row[3]
      remark = state ~= 'e' and row[5]
    end
    redis.call('HSET', rows, other, cmsgpack.pack({ARGV[index + 1], state, since, changed, remark}))
    redis.call('ZADD', list .. state .. ':' .. user, string.format('%.0f', changed), other)
  end
end
for state in string.gmatch('en', '%a') do
  local key = list .. state .. ':' .. user
  local surplus = redis.call('ZCARD', key) - kept
  if surplus > 0 then
    local oldest = redis.call('ZPOPMIN', key, surplus)
    for index = 1, #oldest, 2 do redis.call('HDEL', rows, oldest[index]) end
  end
end
return 1
