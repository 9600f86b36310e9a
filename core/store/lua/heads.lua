-- What a user's list shows of conversations. ARGV: 3 user's number, 4 mask of kinds, 5… conversations, or one identity
-- after the word `identity`.
-- Returns for each in which the user is shown anything: conversation, identity, packed group (or nothing), sequence and
-- record of the last message that the user is shown, unread, read up to, whether it is new, box, packed marks.
local result = {}
local wanted = {}
local user, mask = ARGV[3], tonumber(ARGV[4])
if ARGV[5] == 'identity' then
  wanted[1] = redis.call('HGET', prefix .. 'n', ARGV[6]) or nil
else
  for index = 5, #ARGV do wanted[#wanted + 1] = ARGV[index] end
end
for _, conversation in ipairs(wanted) do
  local meta = meta_of(conversation)
  if meta then
    local state = redis.call('HMGET', prefix .. 'v:' .. conversation, 'f' .. user, 'e' .. user, 'r' .. user, 'k' .. user,
      'i' .. user, 'b' .. user, 'p' .. user)
    local view = view_of(conversation, meta, user, '', state)
    local box = state[6] and string.sub(state[6], 1, 1) or ''
    local sequence, record, newest_live
    if not view.own then sequence, record, newest_live = last_shown(view, mask) end
    if not record and meta.size ~= '2' then
      -- Further back than is looked, or the own message of who never was a member: the row says when it was.
      local time = redis.call('ZSCORE', prefix .. 'x' .. box .. ':' .. user, conversation)
      if time then sequence, record = shown_at(view, time, mask) end
      newest_live = math.max(sequence or 0, 0)
    end
    if record then
      -- A large group comes back by itself when something newer is shown.
      if meta.size and box ~= '' and newest_live > tonumber(string.sub(state[6], 2)) then box = '' end
      local read = tonumber(state[3] or '0')
      local unread = unread_of(view, read, tonumber(state[4] or '0'))
      local is_new = newest_live > math.max(read, tonumber(state[5] or '0')) and 1 or 0
      result[#result + 1] = {tonumber(conversation), meta.identity, meta.group, sequence, record, unread, read, is_new, box, state[7]}
    end
  end
end
return result
