-- Users of a partition for a backup: names, profiles and what they are to others. ARGV: 3… id and folded id of each. Returns name,
-- type and content of each key.
local content, parts = {}, {}
local function add(name, field, value)
  if not value then return end
  local rows = content[name]
  if not rows then
    rows = {}
    content[name] = rows
    parts[#parts + 1] = {name, name == 'z' and 'z' or 'h', rows}
  end
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
    add('pr', number, redis.call('HGET', prefix .. 'pr', number))
    for _, key in ipairs(relations_of(number)) do
      local name, kind = string.sub(key, #prefix + 1), string.byte(key, #prefix + 3) == 58 and 'h' or 'z' -- a colon
      local rows = kind == 'h' and redis.call('HGETALL', key) or redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
      if #rows > 0 then parts[#parts + 1] = {name, kind, rows} end
    end
  end
end
return parts
