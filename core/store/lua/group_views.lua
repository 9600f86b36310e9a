-- Groups as one user has them. ARGV: 3 user's number (empty: nobody), 4 how many members of each are wanted, 5… numbers of groups.
-- Returns for each {packed group, when it changed last, how many members, unread, whether the user is or was a member, packed
-- marks, {ids of who left}, {numbers of members}, {their packed rows}}; nothing in place of a group that is none. Who left is not
-- looked for where members are not asked for, and among more than 400 rows.
local function who_left(conversation, total)
  local key, found = prefix .. 'm:' .. conversation, {}
  local count = redis.call('HLEN', key)
  if count <= total or count > 400 then return found end
  for _, packed in ipairs(redis.call('HVALS', key)) do
    local row = cmsgpack.unpack(packed)
    local newest = row[4][#row[4]]
    if newest and newest[2] >= 0 then found[#found + 1] = row[1] end
  end
  return found
end

local result, user, wanted = {}, ARGV[3], tonumber(ARGV[4])
for index = 5, #ARGV do
  local group = group_of('g' .. ARGV[index])
  local row = false
  if group then
    local conversation = group.conversation
    local changed = tonumber(redis.call('HGET', group.key, 'm') or '0')
    row = {group.packed, changed, redis.call('ZCARD', prefix .. 'a:' .. conversation), 0, 0, false}
    if user ~= '' then
      local meta, state = meta_of(conversation), prefix .. 'v:' .. conversation
      local fields = redis.call('HMGET', state, 'f' .. user, 'e' .. user, 'r' .. user, 'k' .. user, 'p' .. user)
      local view = view_of(conversation, meta, user, '', fields)
      row[4] = unread_of(view, tonumber(fields[3] or '0'), tonumber(fields[4] or '0'))
      row[5] = view.intervals and 1 or 0
      row[6] = fields[5]
    end
    row[7] = wanted > 0 and who_left(conversation, row[3]) or {}
    row[8] = wanted > 0 and redis.call('ZRANGE', prefix .. 'a:' .. conversation, 0, wanted - 1) or {}
    row[9] = #row[8] > 0 and redis.call('HMGET', prefix .. 'm:' .. conversation, unpack(row[8])) or {}
  end
  result[#result + 1] = row
end
return result
