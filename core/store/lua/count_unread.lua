-- How many unread messages a user has in this partition's conversations. ARGV: 3 user's number, 4 how many conversations of each
-- of the lists to look at, the latest.
local user, most, count = ARGV[3], tonumber(ARGV[4]), 0

local function add(conversation)
  local meta = meta_of(conversation)
  if not meta then return end
  local state = redis.call('HMGET', prefix .. 'v:' .. conversation, 'f' .. user, 'e' .. user, 'r' .. user, 'k' .. user)
  local view = view_of(conversation, meta, user, '', state)
  count = count + unread_of(view, tonumber(state[3] or '0'), tonumber(state[4] or '0'))
end

for _, list in ipairs({'x:', 'xa:', 'xh:'}) do
  for _, conversation in ipairs(redis.call('ZRANGE', prefix .. list .. user, 0, most - 1, 'REV')) do add(conversation) end
end
local large = redis.call('SMEMBERS', prefix .. 'y:' .. user)
for index = 1, math.min(most, #large) do add(large[index]) end
return count
