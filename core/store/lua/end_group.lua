-- Goes on with tidying up after a group that was deleted and cleared: memberships, lists, what users had of it. What is done is
-- noted by its absence. ARGV: 3 identity, 4 of about how many users at once. Returns 1, or 0 when nothing is left.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
room = tonumber(ARGV[4])
local meta = prefix .. 'c:' .. (conversation or '')
local left = redis.call('HGET', meta, 'z')
if not left or left == '' then return 0 end
local number = string.sub(ARGV[3], 2)

local function forget(user)
  unlink(keys_of_user(conversation, user))
  for _, name in ipairs({'x:', 'xa:', 'xh:'}) do redis.call('ZREM', prefix .. name .. user, conversation) end
  for _, name in ipairs({'ug:', 'ur:'}) do redis.call('ZREM', prefix .. name .. user, number) end
  redis.call('SREM', prefix .. 'y:' .. user, conversation)
end

-- Everybody who has anything of it is a member, or has a field among the states.
for _, name in ipairs({'m:', 'v:'}) do
  local key, seen = prefix .. name .. conversation, {}
  empty('HSCAN', 2, key, 100, meta, function(field)
    local user = string.match(field, '%d+$')
    if not seen[user] then
      seen[user] = true
      room = room - 1
      forget(user)
    end
    redis.call('HDEL', key, field)
  end)
  if room <= 0 then return 1 end
end
local keys = {}
for _, name in ipairs({'a', 'hu', 'o', 'oz'}) do keys[#keys + 1] = prefix .. name .. ':' .. conversation end
add_group_keys(keys, conversation)
unlink(keys)
redis.call('HSET', meta, 'z', '')
return 0
