-- What users have of a conversation, for a backup.

-- What changes all of them at once: the dropped part, size, owner, deletion, what limits sends. People who were taken under
-- different ones do not go together.
local function stamp_of(conversation)
  local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'd', 'l', 'p', 'z', 'q')
  for index = 1, 5 do fields[index] = fields[index] and string.len(fields[index]) .. fields[index] or '' end
  return '=' .. table.concat(fields, ' ')
end

-- Adds one user's part of each key: {user, name behind the tenant's prefix, type, content}. What was recalled of the user's messages is
-- left out: the log tells. Returns about how long that took, in fields.
local function add_person(parts, conversation, meta, user)
  local place, cost = conversation .. ':' .. user, 25
  local function add(name, kind, content)
    if #content > 0 then parts[#parts + 1] = {user, name, kind, content} end
    cost = cost + #content
  end
  local function add_field(name)
    local row = redis.call('HGET', prefix .. name .. conversation, user)
    if row then add(name .. conversation, 'h', {user, row}) end
  end

  local states, content = {}, {}
  for _, letter in ipairs({'r', 'f', 'k', 'b', 'i', 'p', 'e', 'o'}) do states[#states + 1] = letter .. user end
  local values = redis.call('HMGET', prefix .. 'v:' .. conversation, unpack(states))
  for index, state in ipairs(states) do
    if values[index] then
      content[#content + 1] = state
      content[#content + 1] = values[index]
    end
  end
  add('v:' .. conversation, 'h', content)
  if meta.directed then add('w:' .. place, 'z', redis.call('ZRANGE', prefix .. 'w:' .. place, 0, -1, 'WITHSCORES')) end
  local list = 'x' .. string.sub(values[4] or '', 1, 1) .. ':' .. user
  local time = redis.call('ZSCORE', prefix .. list, conversation)
  if time then add(list, 'z', {conversation, time}) end
  if not is_direct(meta) then
    add_field('m:')
    local joined = redis.call('ZSCORE', prefix .. 'a:' .. conversation, user)
    if joined then add('a:' .. conversation, 'z', {user, joined}) end
    for _, letter in ipairs({'a', 'b', 'm', 'w', 'p', 'u'}) do add_field('g' .. letter .. ':') end
    local memberships = (meta.size == '2' and 'ur:' or 'ug:') .. user
    local number = meta.group and redis.call('ZSCORE', prefix .. memberships, string.sub(meta.identity, 2))
    if number then add(memberships, 'z', {number, number}) end
    if meta.size == '1' and redis.call('SISMEMBER', prefix .. 'y:' .. user, conversation) == 1 then
      add('y:' .. user, 's', {conversation})
    end
  end
  if redis.call('SISMEMBER', prefix .. 'hu:' .. conversation, user) == 1 then
    add('hu:' .. conversation, 's', {user})
    local keys = {}
    add_bitmaps(keys, conversation, user, '', chunk_of(meta.dropped + 1), chunk_of(meta.head))
    if meta.backfill then add_bitmaps(keys, conversation, user, 'b', 0, chunk_of(meta.backfill)) end
    for first = 1, #keys, 1000 do
      local last = math.min(first + 999, #keys)
      for index, bits in ipairs(redis.call('MGET', unpack(keys, first, last))) do
        if bits then add(string.sub(keys[first + index - 1], #prefix + 1), 'v', {bits}) end
      end
    end
    cost = cost + #keys
  end
  return cost
end
