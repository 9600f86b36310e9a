-- Sets, or takes away, attributes of a group, each of which belongs to who set it. ARGV: 3 now (ms), 4 identity, 5 user's number,
-- 6 id, 7 whether also those of others and by no member, 8 whether they go when the user leaves, 9 how many there may be, 10… name
-- and value of each, behind a 1, or a 0 to take it away.
-- Returns for each 1, 0 (there is none to take away), 2 (another's), 3 (too many); else why nothing was done: `group`, `member`.
local group, user, forced, bound = group_of(ARGV[4]), ARGV[5], ARGV[7] == '1', tonumber(ARGV[9])
if not group then return 'group' end
if not forced and not is_present(group, user) then return 'member' end
local key, result, now = prefix .. 'gk:' .. group.conversation, {}, tonumber(ARGV[3])
for index = 10, #ARGV, 3 do
  local name, row = ARGV[index + 1], redis.call('HGET', key, ARGV[index + 1])
  if row and not forced and cmsgpack.unpack(row)[3] ~= user then
    result[#result + 1] = 2
  elseif ARGV[index] == '0' then
    result[#result + 1] = redis.call('HDEL', key, name)
  elseif not row and redis.call('HLEN', key) >= bound then
    result[#result + 1] = 3
  else
    redis.call('HSET', key, name, cmsgpack.pack({ARGV[index + 2], ARGV[6], user, ARGV[8] == '1', now}))
    redis.call('HSETNX', prefix .. 'v:' .. group.conversation, 'o' .. user, 1)
    if ARGV[8] == '1' then set_limit(group, ATTRIBUTES_LEAVE, true) end
    result[#result + 1] = 1
  end
end
tell('group', group.conversation, group.head, now, group.identity, nil, nil, 0)
return result
