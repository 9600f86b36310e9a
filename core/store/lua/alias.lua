-- The number behind an id that an app chose. ARGV: 3 dialect and id, 4 a number to give it (0: look only).
-- Returns the number, 0 when there is none.
local number = redis.call('HGET', prefix .. 'd', ARGV[3])
if not number and ARGV[4] ~= '0' then
  number = ARGV[4]
  redis.call('HSET', prefix .. 'd', ARGV[3], number)
end
return tonumber(number or '0')
