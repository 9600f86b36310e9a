-- A group, found by its identity.

-- Nothing when no such group was created, or it was deleted.
local function group_of(identity)
  local conversation = redis.call('HGET', prefix .. 'n', identity)
  if not conversation then return nil end
  local key = prefix .. 'c:' .. conversation
  local fields = redis.call('HMGET', key, 'g', 'h', 'l', 'p', 'q', 'x')
  if not fields[1] then return nil end
  return {
    conversation = conversation, identity = identity, number = string.sub(identity, 2), key = key, packed = fields[1],
    head = tonumber(fields[2] or '0'), size = fields[3], owner = fields[4], limits = tonumber(fields[5] or '0'),
    maximum = tonumber(fields[6] or '0'),
  }
end

local function is_room(group)
  return group.size == '2'
end

-- Whoever keeps a copy of the group asks what has changed since: its profile, its members, what they are.
local function note_group_change(group, now)
  redis.call('HSET', group.key, 'm', now)
end

-- Where a user's memberships of such groups stand.
local function memberships_of(group, user)
  return prefix .. (is_room(group) and 'ur:' or 'ug:') .. user
end

local function is_present(group, user)
  return redis.call('ZSCORE', prefix .. 'a:' .. group.conversation, user) ~= false
end

local function set_limit(group, limit, on)
  local limits = on and bit.bor(group.limits, limit) or bit.band(group.limits, bit.bnot(limit))
  if limits ~= group.limits then
    group.limits = limits
    if limits == 0 then redis.call('HDEL', group.key, 'q') else redis.call('HSET', group.key, 'q', limits) end
  end
end

-- The lists of people that a group keeps beside its members: a letter, as in the key. A row is packed {id, number}, the number
-- a time (ms).
local limits_of = {m = SOME_MUTED, b = SOME_BLOCKED}

local function list_of(group, letter)
  return prefix .. 'g' .. letter .. ':' .. group.conversation
end

local function put_on_list(group, letter, user, ...)
  redis.call('HSET', list_of(group, letter), user, cmsgpack.pack({...}))
  -- So that everybody who stands in a list is found again: a room keeps nothing of who left.
  redis.call('HSETNX', prefix .. 'v:' .. group.conversation, 'o' .. user, 1)
  if limits_of[letter] then set_limit(group, limits_of[letter], true) end
end

local function take_off_list(group, letter, user)
  local key = list_of(group, letter)
  local taken = redis.call('HDEL', key, user)
  if taken == 1 and limits_of[letter] and redis.call('EXISTS', key) == 0 then set_limit(group, limits_of[letter], false) end
  return taken
end

-- Attributes of the group that go, as `goes` says of who set one and whether it was set to go with that user.
local function drop_attributes(group, goes)
  local key, more = prefix .. 'gk:' .. group.conversation, false
  local rows = redis.call('HGETALL', key)
  for index = 1, #rows, 2 do
    local _, _, user, leaves = unpack(cmsgpack.unpack(rows[index + 1]), 1, 4)
    if goes(user, leaves) then redis.call('HDEL', key, rows[index]) else more = more or leaves end
  end
  set_limit(group, ATTRIBUTES_LEAVE, more)
end

-- What a group keeps of a user beside the membership.
local function forget_in_group(group, user)
  for _, letter in ipairs({'a', 'b', 'm', 'w', 'p'}) do take_off_list(group, letter, user) end
  redis.call('HDEL', prefix .. 'gu:' .. group.conversation, user)
  drop_attributes(group, function(setter) return setter == user end)
  if group.owner == user then redis.call('HDEL', group.key, 'p') end
end
