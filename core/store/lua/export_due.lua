-- Due rows for a backup. ARGV: 3 cursor. Returns the next cursor (0 at the end), the earliest time of a row here (empty: none), and
-- name, type and content of each key.
local found = redis.call('HSCAN', prefix .. 'dueb', ARGV[3], 'COUNT', 100)
local times = {due = {}, duef = {}}
for index = 1, #found[2], 2 do
  local id = found[2][index]
  for name, rows in pairs(times) do
    local time = redis.call('ZSCORE', prefix .. name, id)
    if time then
      rows[#rows + 1] = id
      rows[#rows + 1] = time
    end
  end
end
local first = redis.call('ZRANGE', prefix .. 'due', 0, 0, 'WITHSCORES')[2]
return {found[1], first or '', {{'dueb', 'h', found[2]}, {'due', 'z', times.due}, {'duef', 'z', times.duef}}}
