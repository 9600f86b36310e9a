-- Whose lists a conversation stands in, and where.

-- Calls `visit` with everybody who may have a row: a direct conversation's two users, else all who are or were members, of
-- large groups those alone who left; and `sender`, who may be none. Returns whether others may have one for something at a
-- `position` of the live lane: more than a hundred, to whom the caller goes by `some_users`.
local function each_user(conversation, meta, sender, position, visit)
  local one, two = pair_of(meta)
  if one then
    visit(one)
    if two ~= one then visit(two) end
    return false
  end
  local members, present = prefix .. 'm:' .. conversation, prefix .. 'a:' .. conversation
  local count, more = redis.call('HLEN', members), false
  if count > 100 then
    -- Who left sees nothing of what came after.
    more = position <= tonumber(redis.call('HGET', prefix .. 'c:' .. conversation, 'k') or '-1')
    for _, user in ipairs(meta.size and {} or redis.call('ZRANGE', present, 0, -1)) do visit(user) end
  elseif not meta.size or redis.call('ZCARD', present) < count then
    local without_row = {}
    for _, user in ipairs(meta.size and redis.call('ZRANGE', present, 0, -1) or {}) do without_row[user] = true end
    for _, user in ipairs(redis.call('HKEYS', members)) do
      if not without_row[user] then visit(user) end
    end
  end
  if sender and redis.call('HEXISTS', members, sender) == 0 then visit(sender) end
  return more
end

-- The same for a slice of them. Returns the next cursor, 0 at the end.
local function some_users(conversation, meta, cursor, visit)
  local found, present = redis.call('HSCAN', prefix .. 'm:' .. conversation, cursor, 'COUNT', 50), prefix .. 'a:' .. conversation
  for index = 1, #found[2], 2 do
    local user = found[2][index]
    if not meta.size or not redis.call('ZSCORE', present, user) then visit(user) end
  end
  return found[1]
end

-- Writes a row anew if it stands at `time`: what was shown there is gone. The way back to what is shown may be long, and many may
-- have one: returns whether it was left as it is, for the next call.
local function rewrite_row(conversation, user, time, mask)
  local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
  if tonumber(redis.call('ZSCORE', key, conversation) or '0') ~= time then return false end
  if walked >= 2000 then return true end
  place_row(conversation, user, last_time(conversation, user, mask))
  return false
end

-- Moves a row up to the latest of some messages, the latest first as {time, sequence, record}, that its user is shown.
local function raise_row(conversation, meta, user, messages, mask)
  local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
  local row = tonumber(redis.call('ZSCORE', key, conversation) or '0')
  local view
  for _, each in ipairs(messages) do
    if each.time <= row then return end
    view = view or view_of(conversation, meta, user, '')
    if is_shown(view, mask, each.sequence, each.record) then
      redis.call('ZADD', key, each.time, conversation)
      return
    end
  end
end
