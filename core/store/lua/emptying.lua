-- Empties a large hash or set over several calls. Each is scanned: to find any field of one that is almost empty takes long.

-- How much may still be done in this call; the script says it.
local room

-- Gives each field with its value (`step` 2, a hash), or each member (1), to `visit`, which removes it and takes from `room`, until
-- there is no room. `notes` is a hash in which `at` says where to go on.
local function empty(scan, step, key, count, notes, visit)
  if redis.call('EXISTS', key) == 0 then return end
  local of, cursor = string.match(redis.call('HGET', notes, 'at') or '', '^(%S+) (%d+)$')
  local name = string.sub(key, #prefix + 1)
  if of ~= name then cursor = '0' end
  while room > 0 do
    local found = redis.call(scan, key, cursor, 'COUNT', count)
    for index = 1, #found[2], step do
      if room <= 0 then break end
      visit(found[2][index], found[2][index + 1])
    end
    if room <= 0 then break end -- what may be left of the slice is found again
    cursor = found[1]
    room = room - 5 -- it may have held nothing
    -- Another server, after a failure or a restoring, has the fields in another order.
    if cursor == '0' and redis.call('EXISTS', key) == 0 then
      redis.call('HDEL', notes, 'at')
      return
    end
  end
  redis.call('HSET', notes, 'at', name .. ' ' .. cursor)
end
