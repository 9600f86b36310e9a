-- When users were delivered and read what, for a backup. ARGV: 3 conversation, 4 last sequence, 5… users.
-- Returns how many of them were taken, at least one, and name, type and content of each key.
local parts, room, count = {}, 5000, 0
for index = 5, #ARGV do
  if room <= 0 then break end
  for _, letter in ipairs({'rs:', 'ds:'}) do
    local name = letter .. ARGV[3] .. ':' .. ARGV[index]
    local steps = redis.call('ZRANGE', prefix .. name, '-inf', ARGV[4], 'BYSCORE', 'WITHSCORES')
    if #steps > 0 then parts[#parts + 1] = {name, 'z', steps} end
    room = room - #steps - 10
  end
  count = count + 1
end
return {count, parts}
