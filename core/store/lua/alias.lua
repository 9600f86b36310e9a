-- The number behind an id that an app chose. ARGV: 3 dialect and id, 4 a number to give it (0: look only; negative: take that one
-- away from it). Returns the number, 0 when there is none.
local number = redis.call('HGET', prefix .. 'd', ARGV[3])
local given = tonumber(ARGV[4])
if given < 0 and number == string.sub(ARGV[4], 2) then
  redis.call('HDEL', prefix .. 'd', ARGV[3])
elseif given > 0 and not number then
  number = ARGV[4]
  redis.call('HSET', prefix .. 'd', ARGV[3], number)
end
return tonumber(number or '0')
