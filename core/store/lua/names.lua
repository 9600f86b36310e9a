-- Gives names their place. ARGV: 3 whether names fold, 4… name, folded name and a number to give it (0: look only).
-- An exact lookup finds the name itself. A folding one finds the registered user who owns the folded form, else the folded
-- form itself: who is only addressed owns nothing.
-- Returns id, number (0 for a name without place) and whether that stays so, for each.
local result = {}
for index = 4, #ARGV, 3 do
  local id, number, owner = ARGV[index], ARGV[index + 2], ARGV[index]
  if ARGV[3] == '1' then
    owner = redis.call('HGET', prefix .. 'f', ARGV[index + 1])
    id = owner or ARGV[index + 1]
  end
  local placed = redis.call('HGET', prefix .. 'u', id)
  if not placed and number ~= '0' then
    placed = number
    redis.call('HSET', prefix .. 'u', id, number)
    redis.call('HSET', prefix .. 'w', number, id)
  end
  result[#result + 1] = id
  result[#result + 1] = tonumber(placed or '0')
  result[#result + 1] = owner and 1 or 0
end
return result
