-- Rows of one of a user's lists of others, the earliest changes first. ARGV: 3 user's number, 4 list (`c`, `b`, `o`), 5 letters of
-- the wanted states, 6 only changed after this time (ms), 7 how many; rows of equal time stay together, so there may be more.
-- Returns the time after which there is more (0: nothing), then number and packed row of each, unordered.
local user, list, limit = ARGV[3], prefix .. 'e' .. ARGV[4], tonumber(ARGV[7])
local bound, found = 0, {}
for state in string.gmatch(ARGV[5], '%a') do
  local key = list .. state .. ':' .. user
  local rows = redis.call('ZRANGE', key, '(' .. ARGV[6], '+inf', 'BYSCORE', 'LIMIT', 0, limit, 'WITHSCORES')
  if #rows == 2 * limit then
    local last, seen = rows[#rows], {}
    for index = 1, #rows, 2 do seen[rows[index]] = true end
    for _, other in ipairs(redis.call('ZRANGE', key, last, last, 'BYSCORE')) do
      if not seen[other] then
        rows[#rows + 1] = other
        rows[#rows + 1] = last
      end
    end
    if redis.call('ZCOUNT', key, '(' .. last, '+inf') > 0 then
      bound = bound > 0 and math.min(bound, tonumber(last)) or tonumber(last)
    end
  end
  for index = 1, #rows, 2 do found[#found + 1] = {rows[index], tonumber(rows[index + 1])} end
end
local result = {bound}
for _, each in ipairs(found) do
  if bound == 0 or each[2] <= bound then
    result[#result + 1] = tonumber(each[1])
    result[#result + 1] = redis.call('HGET', list .. ':' .. user, each[1])
  end
end
return result
