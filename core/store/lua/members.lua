-- Memberships. A member's row is packed {id, role, joined, intervals}; `a:` is the set of the present ones.

-- How much of the earlier log a newcomer sees, as the first sequence: `visible` earlier messages, all for -1. 0 takes in what
-- is imported of the time before the log.
local function first_visible(head, visible)
  if visible < 0 then return 0 end
  return math.max(visible > 0 and 0 or 1, head - visible + 1)
end

-- A user's row in the list says when the last message was that the user is shown.
local function write_row(conversation, user, mask)
  place_row(conversation, user, last_time(conversation, user, mask))
end

-- Nobody writes down that a large group came back to a member's list: that is done when the row is about to be written.
local function keep_return(conversation, user, mask)
  local box, since = box_of(conversation, user)
  if box == '' then return end
  local _, _, newest_live = last_shown(view_of(conversation, meta_of(conversation), user, ''), mask)
  if newest_live and newest_live > since then take_out_of_box(conversation, user) end
end

-- Makes a user a present member; false when it is one. What was sent before joining is not unread.
local function join(conversation, user, id, role, now, head, visible)
  local key = prefix .. 'm:' .. conversation
  local row = redis.call('HGET', key, user)
  local intervals = {}
  if row then
    intervals = cmsgpack.unpack(row)[4]
    local newest = intervals[#intervals]
    if newest and newest[2] < 0 then return false end
    -- Who came and left while nothing was sent needs no interval.
    if newest and newest[1] > newest[2] then table.remove(intervals) end
  end
  intervals[#intervals + 1] = {first_visible(head, visible), -1, head}
  redis.call('HSET', key, user, cmsgpack.pack({id, role, now, intervals}))
  redis.call('SADD', prefix .. 'a:' .. conversation, user)
  redis.call('HDEL', prefix .. 'v:' .. conversation, 'k' .. user)
  return true
end

-- A group that outgrows the bound keeps no inbox rows: its members keep a set of memberships instead. It stays large.
local function mark_large(conversation, bound)
  local meta = prefix .. 'c:' .. conversation
  local present = prefix .. 'a:' .. conversation
  if not redis.call('HGET', meta, 'l') and redis.call('SCARD', present) > bound then
    redis.call('HSET', meta, 'l', 1)
    for _, user in ipairs(redis.call('SMEMBERS', present)) do
      redis.call('ZREM', prefix .. 'x' .. box_of(conversation, user) .. ':' .. user, conversation)
      redis.call('SADD', prefix .. 'y:' .. user, conversation)
    end
  end
end
