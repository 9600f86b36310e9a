-- Replaces a group's profile if it still is what the caller read. ARGV: 3 now (ms), 4 class of the reference row, 5 its period
-- (ms), 6 reference, 7 identity, 8 packed group as read, 9 the new one, 10 what of it limits sends (DISABLED, ALL_MUTED),
-- 11 new maximum of members (0: none, empty: as it was), 12 number of the new owner (0: nobody, empty: as it was), 13 whether
-- the new owner has to be a member, and another one.
-- Returns `done`, `changed` when another was faster, else why it was not done: `full`, `member`, `owner`.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'update:' .. ARGV[7] .. ':' .. ARGV[6]
if first_result(ARGV[4], period, now, reference) then return 'done' end
local group = group_of(ARGV[7])
if not group or group.packed ~= ARGV[8] then return 'changed' end
local maximum, owner = tonumber(ARGV[11]), ARGV[12]
if maximum and maximum > 0 and redis.call('ZCARD', prefix .. 'a:' .. group.conversation) > maximum then return 'full' end
if ARGV[13] == '1' then
  if not is_present(group, owner) then return 'member' end
  if owner == group.owner then return 'owner' end
end
redis.call('HSET', group.key, 'g', ARGV[9])
if maximum and maximum > 0 then redis.call('HSET', group.key, 'x', maximum) elseif maximum then redis.call('HDEL', group.key, 'x') end
local bits = tonumber(ARGV[10])
set_limit(group, DISABLED + ALL_MUTED, false)
if bits > 0 then set_limit(group, bits, true) end
if owner ~= '' and owner ~= group.owner then
  local members = prefix .. 'm:' .. group.conversation
  for user, role in pairs({[group.owner or '0'] = 'member', [owner] = 'owner'}) do
    local row = redis.call('HGET', members, user)
    if row then
      row = cmsgpack.unpack(row)
      row[2] = role
      redis.call('HSET', members, user, cmsgpack.pack(row))
    end
  end
  take_off_list(group, 'a', owner)
  if owner == '0' then redis.call('HDEL', group.key, 'p') else redis.call('HSET', group.key, 'p', owner) end
end
note_group_change(group, ARGV[3])
keep_result(ARGV[4], period, now, reference, 1)
tell('group', group.conversation, group.head, now, group.identity, nil, nil, 0)
return 'done'
