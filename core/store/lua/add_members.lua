-- Adds members. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 identity, 8 how many earlier
-- messages they see (-1: all), 9 bound of small groups, 10 mask of the kinds that lists show, 11 what they must have asked for or
-- been asked (empty: nothing), 12… number and id of each.
-- Returns 1 or 0 (present already) for each, as text; nothing when the group does not exist; else why nobody was added: `full`,
-- `blocked` or `pending`, and the first user concerned.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'add:' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
if done and #done == (#ARGV - 11) / 2 then return done end
local group = group_of(ARGV[7])
if not group then return false end
local added, newcomers = {}, 0
for index = 12, #ARGV, 2 do
  local user = ARGV[index]
  if not added[user] and not is_present(group, user) then
    if bit.band(group.limits, SOME_BLOCKED) ~= 0 and redis.call('HEXISTS', list_of(group, 'b'), user) == 1 then return {'blocked', user} end
    if ARGV[11] ~= '' then
      local row = redis.call('HGET', list_of(group, 'p'), user)
      if not row or cmsgpack.unpack(row)[3] ~= ARGV[11] then return {'pending', user} end
    end
    added[user] = true
    newcomers = newcomers + 1
    if group.maximum > 0 and redis.call('ZCARD', prefix .. 'a:' .. group.conversation) + newcomers > group.maximum then
      return {'full', user}
    end
  end
end
local conversation, result, joined = group.conversation, {}, {}
for index = 12, #ARGV, 2 do
  local is_new = join(group, ARGV[index], ARGV[index + 1], now, tonumber(ARGV[8]))
  result[#result + 1] = is_new and 1 or 0
  if is_new then joined[#joined + 1] = ARGV[index] end
end
mark_large(group, tonumber(ARGV[9]))
for _, user in ipairs(joined) do
  if group.size == '1' then
    redis.call('ZREM', prefix .. 'x' .. box_of(conversation, user) .. ':' .. user, conversation)
    redis.call('SADD', prefix .. 'y:' .. user, conversation)
  elseif not group.size then
    write_row(conversation, user, tonumber(ARGV[10]))
  end
end
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
if newcomers > 0 then
  note_group_change(group, ARGV[3])
  tell('members', conversation, group.head, now, group.identity, nil, nil, 0)
end
return done
