-- Memberships. A member's row is packed {id, role, joined, intervals}; `a:` is the set of the present ones.

-- How much of the earlier log a newcomer sees, as the first sequence: `visible` earlier messages, all for -1.
local function first_visible(head, visible)
  if visible < 0 then return 1 end
  return math.max(1, head - visible + 1)
end

-- A user's row in the list says when the last message was that the user is shown.
local function write_row(conversation, user, mask, intervals)
  local time = last_time(conversation, mask, intervals)
  if time then
    redis.call('ZADD', prefix .. 'x:' .. user, time, conversation)
  else
    redis.call('ZREM', prefix .. 'x:' .. user, conversation)
  end
end

-- Makes a user a present member. Returns the intervals, or nothing when it is one.
local function join(conversation, user, id, role, now, first)
  local key = prefix .. 'm:' .. conversation
  local row = redis.call('HGET', key, user)
  local intervals = {}
  if row then
    intervals = cmsgpack.unpack(row)[4]
    local newest = intervals[#intervals]
    if newest and newest[2] == 0 then return nil end
  end
  intervals[#intervals + 1] = {first, 0}
  redis.call('HSET', key, user, cmsgpack.pack({id, role, now, intervals}))
  redis.call('SADD', prefix .. 'a:' .. conversation, user)
  return intervals
end

-- A group that outgrows the bound keeps no inbox rows: its members keep a set of memberships instead. It stays large.
local function mark_large(conversation, bound)
  local meta = prefix .. 'c:' .. conversation
  local present = prefix .. 'a:' .. conversation
  local large = redis.call('HGET', meta, 'l')
  if not large and redis.call('SCARD', present) > bound then
    large = '1'
    redis.call('HSET', meta, 'l', 1)
    for _, user in ipairs(redis.call('SMEMBERS', present)) do
      redis.call('ZREM', prefix .. 'x:' .. user, conversation)
      redis.call('SADD', prefix .. 'y:' .. user, conversation)
    end
  end
  return large
end
