-- Users' names for a backup. ARGV: 3… id and folded id of each. Returns name, type and content of each key.
local names, content = {'u', 'w', 'f', 'p', 'z', 's'}, {}
for _, name in ipairs(names) do content[name] = {} end
local function add(name, field, value)
  if not value then return end
  local rows = content[name]
  rows[#rows + 1] = field
  rows[#rows + 1] = value
end
for index = 3, #ARGV, 2 do
  local id, folded = ARGV[index], ARGV[index + 1]
  local number = redis.call('HGET', prefix .. 'u', id)
  if number then
    add('u', id, number)
    add('w', number, id)
    if redis.call('HGET', prefix .. 'f', folded) == id then add('f', folded, id) end
    add('p', id, redis.call('HGET', prefix .. 'p', id))
    add('z', id, redis.call('ZSCORE', prefix .. 'z', id))
    add('s', id, redis.call('HGET', prefix .. 's', id))
  end
end
local parts = {}
for _, name in ipairs(names) do parts[#parts + 1] = {name, name == 'z' and 'z' or 'h', content[name]} end
return parts
