-- Marks a group as deleted: from here on nobody finds it, joins it or sends to it. ARGV: 3 now (ms), 4 identity.
-- Returns the packed group, also of one that was marked before and of which something is left; nothing when there is none.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[4])
local group = group_of(ARGV[4])
if not group then return conversation and redis.call('HGET', prefix .. 'c:' .. conversation, 'z') or false end
redis.call('ZREM', prefix .. (is_room(group) and 'lr' or 'lg'), redis.call('HGET', group.key, 'y'))
redis.call('HSET', group.key, 'z', group.packed)
redis.call('HDEL', group.key, 'g', 'm', 'p', 'x', 'y')
set_limit(group, ENDED, true)
tell('group', conversation, group.head, tonumber(ARGV[3]), group.identity, nil, nil, 0)
return group.packed
