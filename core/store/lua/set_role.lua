-- Makes a member an admin, or an admin a member. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference,
-- 7 identity, 8 user's number, 9 `admin` or `member`, 10 how many admins the group may have.
-- Returns `done`, or why it was not: `group`, `member` (is none), `owner` (is it), `same` (is an admin), `admin` (is none), `limit`.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'role:' .. ARGV[7] .. ':' .. ARGV[6]
if first_result(ARGV[4], period, now, reference) then return 'done' end
local group, user, role = group_of(ARGV[7]), ARGV[8], ARGV[9]
if not group then return 'group' end
if not is_present(group, user) then return 'member' end
if user == group.owner then return 'owner' end
local members = prefix .. 'm:' .. group.conversation
local row = cmsgpack.unpack(redis.call('HGET', members, user))
if role == row[2] then return role == 'admin' and 'same' or 'admin' end
if role == 'admin' and redis.call('HLEN', list_of(group, 'a')) >= tonumber(ARGV[10]) then return 'limit' end
row[2] = role
redis.call('HSET', members, user, cmsgpack.pack(row))
if role == 'admin' then put_on_list(group, 'a', user, row[1], now) else take_off_list(group, 'a', user) end
note_group_change(group, ARGV[3])
keep_result(ARGV[4], period, now, reference, 1)
tell('members', group.conversation, group.head, now, group.identity, nil, nil, 0)
return 'done'
