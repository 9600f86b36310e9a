-- A user's rows: the conversation stands in the list of one box, by the time of the last message that the user is shown.
-- A letter names the box: none for the active ones, `a` archived, `h` hidden.

-- The box, and the head at which the conversation was put there.
local function box_of(conversation, user)
  local box = redis.call('HGET', prefix .. 'v:' .. conversation, 'b' .. user)
  if box then return string.sub(box, 1, 1), tonumber(string.sub(box, 2)) end
  return '', 0
end

-- Back among the active ones; the caller writes the row.
local function take_out_of_box(conversation, user)
  local box = box_of(conversation, user)
  if box ~= '' then
    redis.call('ZREM', prefix .. 'x' .. box .. ':' .. user, conversation)
    redis.call('HDEL', prefix .. 'v:' .. conversation, 'b' .. user)
  end
end

-- Without a time there is nothing to show, and no row.
local function place_row(conversation, user, time)
  local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
  if time then
    redis.call('ZADD', key, time, conversation)
  else
    redis.call('ZREM', key, conversation)
  end
end
