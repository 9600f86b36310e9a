-- Memberships. A member's row is packed {id, role, joined, intervals}; `a:` holds the present ones in the order in which they
-- joined.

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
local function join(group, user, id, now, visible)
  local conversation = group.conversation
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
  intervals[#intervals + 1] = {first_visible(group.head, visible), -1, group.head}
  redis.call('HSET', key, user, cmsgpack.pack({id, user == group.owner and 'owner' or 'member', now, intervals}))
  redis.call('ZADD', prefix .. 'a:' .. conversation, redis.call('HINCRBY', group.key, 'n', 1), user)
  redis.call('ZADD', memberships_of(group, user), group.number, group.number)
  redis.call('HDEL', prefix .. 'v:' .. conversation, 'k' .. user)
  take_off_list(group, 'p', user)
  return true
end

-- Ends a membership and gives the user's id; nothing for no present member. A room keeps nothing of who left but what the user
-- deleted. A privilege ends with the membership, a sanction does not.
local function leave(group, user, mask)
  local conversation = group.conversation
  local members = prefix .. 'm:' .. conversation
  if redis.call('ZREM', prefix .. 'a:' .. conversation, user) == 0 then return nil end
  redis.call('ZREM', memberships_of(group, user), group.number)
  for _, letter in ipairs({'a', 'w'}) do take_off_list(group, letter, user) end
  redis.call('HDEL', prefix .. 'gu:' .. conversation, user)
  local row = cmsgpack.unpack(redis.call('HGET', members, user))
  if is_room(group) then
    redis.call('HDEL', members, user)
    redis.call('HDEL', prefix .. 'v:' .. conversation, 'r' .. user, 'i' .. user, 'b' .. user, 'p' .. user)
    redis.call('UNLINK', prefix .. 'rs:' .. conversation .. ':' .. user, prefix .. 'ds:' .. conversation .. ':' .. user)
  else
    row[4][#row[4]][2] = group.head
    redis.call('HSET', group.key, 'k', group.head)
    redis.call('HSET', members, user, cmsgpack.pack(row))
    redis.call('SREM', prefix .. 'y:' .. user, conversation)
    if group.size then keep_return(conversation, user, mask) end
    write_row(conversation, user, mask)
  end
  return row[1]
end

-- A group that outgrows the bound keeps no inbox rows: its members keep a set of memberships instead. It stays large.
local function mark_large(group, bound)
  local conversation = group.conversation
  local present = prefix .. 'a:' .. conversation
  if not group.size and redis.call('ZCARD', present) > bound then
    group.size = '1'
    redis.call('HSET', group.key, 'l', 1)
    for _, user in ipairs(redis.call('ZRANGE', present, 0, -1)) do
      redis.call('ZREM', prefix .. 'x' .. box_of(conversation, user) .. ':' .. user, conversation)
      redis.call('SADD', prefix .. 'y:' .. user, conversation)
    end
  end
end
