-- Puts users on a list of a group. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 identity,
-- 8 letter of the list, 9 a time (ms, of the muted until when, -1 for ever), 10 how many may stand on it, 11 whether all have to
-- be members, 12… numbers.
-- Returns 1 or 0 (no member, nothing done) for each, as text; nothing when the group does not exist; else why nothing was done:
-- `limit`, or `member` and who is none.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'list ' .. ARGV[8] .. ':' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
if done and #done == #ARGV - 11 then return done end
local group, letter, time, bound = group_of(ARGV[7]), ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])
if not group then return false end
local result, strangers = {}, {'member'}
for index = 12, #ARGV do
  local is_member = is_present(group, ARGV[index])
  result[#result + 1] = is_member and 1 or 0
  if not is_member then strangers[#strangers + 1] = ARGV[index] end
end
if ARGV[11] == '1' and #strangers > 1 then return strangers end
local key = list_of(group, letter)
if redis.call('HLEN', key) + #result > bound then
  local over, rows = {}, letter == 'm' and redis.call('HGETALL', key) or {}
  for index = 1, #rows, 2 do
    local till = cmsgpack.unpack(rows[index + 1])[2]
    if till >= 0 and till <= now then over[#over + 1] = rows[index] end
  end
  if redis.call('HLEN', key) - #over + #result > bound then return {'limit'} end
  for _, user in ipairs(over) do redis.call('HDEL', key, user) end
end
for index, is_member in ipairs(result) do
  local user = ARGV[11 + index]
  if is_member == 1 then
    local row = cmsgpack.unpack(redis.call('HGET', prefix .. 'm:' .. group.conversation, user))
    put_on_list(group, letter, user, row[1], time)
  end
end
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
tell('members', group.conversation, group.head, now, group.identity, nil, nil, 0)
return done
