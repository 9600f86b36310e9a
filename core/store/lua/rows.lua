-- Whose lists a conversation stands in.

-- Calls `visit` with everybody who may have a row: a direct conversation's two users, else all who are or were members, and
-- `sender`, who may be none. Large groups and rooms have rows of those alone who left.
local function each_user(conversation, meta, sender, visit)
  local one, two = pair_of(meta)
  if one then
    visit(one)
    if two ~= one then visit(two) end
    return
  end
  local seen = {}
  for _, user in ipairs(redis.call('HKEYS', prefix .. 'm:' .. conversation)) do
    seen[user] = true
    visit(user)
  end
  if sender and not seen[sender] then visit(sender) end
end

-- Writes the rows anew of those whose list stands at `time`: what was shown there is gone.
local function rewrite_rows(conversation, meta, sender, time, mask)
  each_user(conversation, meta, sender, function(user)
    local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
    if tonumber(redis.call('ZSCORE', key, conversation) or '0') == time then
      place_row(conversation, user, last_time(conversation, user, mask))
    end
  end)
end
