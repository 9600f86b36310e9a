-- Notes that a user asks to join, or is asked to. ARGV: 3 now (ms), 4 identity, 5 user's number, 6 id, 7 `request` or `invitation`,
-- 8 words, 9 how many may wait. Who does so already keeps its place and time, with the new words.
-- Returns `done`, or why it was not: `group`, `member` (is one), `blocked`, `limit`.
local group, user = group_of(ARGV[4]), ARGV[5]
if not group then return 'group' end
if is_present(group, user) then return 'member' end
if redis.call('HEXISTS', list_of(group, 'b'), user) == 1 then return 'blocked' end
local now, waiting = tonumber(ARGV[3]), redis.call('HGET', list_of(group, 'p'), user)
if not waiting and redis.call('HLEN', list_of(group, 'p')) >= tonumber(ARGV[9]) then return 'limit' end
put_on_list(group, 'p', user, ARGV[6], waiting and cmsgpack.unpack(waiting)[2] or now, ARGV[7], ARGV[8])
return 'done'
