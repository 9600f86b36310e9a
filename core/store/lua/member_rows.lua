-- Present members in the order in which they joined: adds number, id, role and time of joining (ms) of at most `limit` to a result,
-- after a cursor (an exclusive place in that order; 0: from the end at which one starts). Returns the next cursor, 0 at the end.
local function add_member_rows(result, conversation, cursor, newest_first, limit)
  local present, rows, users = prefix .. 'a:' .. conversation, nil, {}
  if newest_first then
    local from = cursor > 0 and '(' .. string.format('%.0f', cursor) or '+inf'
    rows = redis.call('ZRANGE', present, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, limit + 1, 'WITHSCORES')
  else
    local from = '(' .. string.format('%.0f', cursor)
    rows = redis.call('ZRANGE', present, from, '+inf', 'BYSCORE', 'LIMIT', 0, limit + 1, 'WITHSCORES')
  end
  for index = 1, math.min(#rows, 2 * limit), 2 do users[#users + 1] = rows[index] end
  if #users == 0 then return 0 end
  for index, packed in ipairs(redis.call('HMGET', prefix .. 'm:' .. conversation, unpack(users))) do
    local row = cmsgpack.unpack(packed)
    result[#result + 1] = users[index]
    for field = 1, 3 do result[#result + 1] = row[field] end
  end
  return #rows > 2 * limit and tonumber(rows[2 * limit]) or 0
end
