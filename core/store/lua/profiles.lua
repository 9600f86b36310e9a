-- Profiles of registered users. ARGV: 3 whether names fold, 4… names; folded ones when they fold.
-- Returns the packed profile of each, nothing for a name that nobody registered.
local result = {}
for index = 4, #ARGV do
  local id = ARGV[index]
  if ARGV[3] == '1' then id = redis.call('HGET', prefix .. 'f', id) or id end
  result[#result + 1] = redis.call('HGET', prefix .. 'p', id)
end
return result
