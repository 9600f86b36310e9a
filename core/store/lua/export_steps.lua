-- When users were delivered and read what, for a backup. ARGV: 3 conversation, 4… users. Returns name, type and content of each key.
local parts = {}
for index = 4, #ARGV do
  for _, letter in ipairs({'rs:', 'ds:'}) do
    local name = letter .. ARGV[3] .. ':' .. ARGV[index]
    local steps = redis.call('ZRANGE', prefix .. name, 0, -1, 'WITHSCORES')
    if #steps > 0 then parts[#parts + 1] = {name, 'z', steps} end
  end
end
return parts
