-- Gives names their place. ARGV: 3 whether names fold, 4… name, folded name and a number to give it (0: look only).
-- A folding lookup finds whoever owns the folded form; an exact one the name itself. The first to be placed owns the form.
-- Returns id and number for each, number 0 for a name without place.
local result = {}
for index = 4, #ARGV, 3 do
  local id, folded, number = ARGV[index], ARGV[index + 1], ARGV[index + 2]
  if ARGV[3] == '1' then id = redis.call('HGET', prefix .. 'f', folded) or folded end
  local placed = redis.call('HGET', prefix .. 'u', id)
  if not placed and number ~= '0' then
    placed = number
    redis.call('HSET', prefix .. 'u', id, number)
    redis.call('HSET', prefix .. 'w', number, id)
    redis.call('HSETNX', prefix .. 'f', folded, id)
  end
  result[#result + 1] = id
  result[#result + 1] = tonumber(placed or '0')
end
return result
