-- What a user's list shows of conversations. ARGV: 3 user's number, 4 mask of kinds, 5 `shown`, or `whole` for what the user may
-- look into, too, though nothing is there to see, 6… conversations, or identities after the word `identity`.
-- Returns for each: conversation, identity, packed group (or nothing), sequence and record of the last message that the user is
-- shown (nothing and 0 when there is none), unread, read up to, whether it is new, box, packed marks; and of the whole the time of
-- the last message, how often it was cleared for all, the user's floor, number of the newest report.
local result = {}
local wanted = {}
local user, mask, whole = ARGV[3], tonumber(ARGV[4]), ARGV[5] == 'whole'
if ARGV[6] == 'identity' then
  for index = 7, #ARGV do wanted[#wanted + 1] = redis.call('HGET', prefix .. 'n', ARGV[index]) or nil end
else
  for index = 6, #ARGV do wanted[#wanted + 1] = ARGV[index] end
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
    if record or whole and (is_direct(meta) or not view.own) then
      -- A large group comes back by itself when something newer is shown.
      if record and meta.size and box ~= '' and newest_live > tonumber(string.sub(state[6], 2)) then box = '' end
      local read = tonumber(state[3] or '0')
      local unread = unread_of(view, read, tonumber(state[4] or '0'))
      local is_new = record and newest_live > math.max(read, tonumber(state[5] or '0')) and 1 or 0
      local row = {tonumber(conversation), meta.identity, meta.group, sequence or 0, record or false, unread, read, is_new, box, state[7]}
      if whole then
        local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 't', 'c', 'j')
        local reports = redis.call('EXISTS', prefix .. 'rl:' .. conversation) == 1 and tonumber(fields[3] or '0') or 0
        for index, value in ipairs({tonumber(fields[1] or '0'), tonumber(fields[2] or '0'), view.floor or 0, reports}) do
          row[10 + index] = value
        end
      end
      result[#result + 1] = row
    end
  end
end
return result
