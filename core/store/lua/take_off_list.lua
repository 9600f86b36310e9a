-- Takes users off a list of a group. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 identity,
-- 8 letter of the list, 9… numbers. Returns 1 or 0 (was not there) for each, as text; nothing when the group does not exist.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'unlist ' .. ARGV[8] .. ':' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
if done and #done == #ARGV - 8 then return done end
local group = group_of(ARGV[7])
if not group then return false end
local result = {}
for index = 9, #ARGV do result[#result + 1] = take_off_list(group, ARGV[8], ARGV[index]) end
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
tell('members', group.conversation, group.head, now, group.identity, nil, nil, 0)
return done
