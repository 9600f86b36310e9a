-- Ends memberships; the intervals stay, so that who leaves keeps what it could see. ARGV: 3 now (ms), 4 class of the reference
-- row, 5 its period (ms), 6 reference, 7 identity, 8 mask of the kinds that lists show, 9 whether the owner has to stay,
-- 10 how many the group may block, if these are blocked too (0: they are not), 11… numbers.
-- Returns 1 or 0 (no present member) for each, as text, at least one, of fewer than were given when it takes long to find what they
-- were shown last; nothing when the group does not exist; else why nobody was removed: `owner` or `limit`.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'remove:' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
local count = #ARGV - 10
if done and #done <= count and (count == 0 or done ~= '') then return done end
local group = group_of(ARGV[7])
if not group then return false end
local mask, blocks = tonumber(ARGV[8]), tonumber(ARGV[10])
for index = 11, #ARGV do
  if ARGV[9] == '1' and ARGV[index] == group.owner then return {'owner', ARGV[index]} end
end
if blocks > 0 and redis.call('HLEN', list_of(group, 'b')) + count > blocks then return {'limit'} end
local result, left = {}, {}
for index = 11, #ARGV do
  if walked >= 1000 then break end
  local user = ARGV[index]
  local id = leave(group, user, mask)
  result[#result + 1] = id and 1 or 0
  if id then
    left[user] = true
    if blocks > 0 then put_on_list(group, 'b', user, id, now) end
  end
end
if bit.band(group.limits, ATTRIBUTES_LEAVE) ~= 0 then
  drop_attributes(group, function(user, leaves) return leaves and left[user] end)
end
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
if next(left) then
  note_group_change(group, ARGV[3])
  tell('members', group.conversation, group.head, now, group.identity, nil, nil, 0)
end
return done
