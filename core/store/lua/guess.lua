-- Notes a wrong secret of a login, once however often it is given: a program that was forgotten with an old one guesses nothing.
-- ARGV: 3 place and login, 4 digest of the secret (empty: it is the right one), 5 how many a window takes, 6 the window (ms).
-- Returns 1 when there were too many before, else 0.
local key = prefix .. 'gs:' .. ARGV[3]
local count = redis.call('SCARD', key)
if count >= tonumber(ARGV[5]) then return 1 end
if ARGV[4] ~= '' then
  redis.call('SADD', key, ARGV[4])
  if count == 0 then redis.call('PEXPIRE', key, ARGV[6]) end
end
return 0
