-- Whose lists a conversation stands in.

-- Calls `visit` with everybody who may have a row: a direct conversation's two users, else all who are or were members, of
-- large groups those alone who left; and `sender`, who may be none.
local function each_user(conversation, meta, sender, visit)
  local one, two = pair_of(meta)
  if one then
    visit(one)
    if two ~= one then visit(two) end
    return
  end
  local members, present = prefix .. 'm:' .. conversation, prefix .. 'a:' .. conversation
  if not meta.size or redis.call('ZCARD', present) < redis.call('HLEN', members) then
    local without_row = {}
    for _, user in ipairs(meta.size and redis.call('ZRANGE', present, 0, -1) or {}) do without_row[user] = true end
    for _, user in ipairs(redis.call('HKEYS', members)) do
      if not without_row[user] then visit(user) end
    end
  end
  if sender and redis.call('HEXISTS', members, sender) == 0 then visit(sender) end
end

-- Writes the rows anew of those whose list stands at `time`: what was shown there is gone. Very many users who left a large
-- group may each have a long way back to what they are shown: after 10,000 messages the rows of the others stay where they
-- are, and their lists show the right message at the wrong place.
local function rewrite_rows(conversation, meta, sender, time, mask)
  each_user(conversation, meta, sender, function(user)
    local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
    if walked < 10000 and tonumber(redis.call('ZSCORE', key, conversation) or '0') == time then
      place_row(conversation, user, last_time(conversation, user, mask))
    end
  end)
end
