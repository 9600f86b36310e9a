-- What becomes of an entry that failed: it waits, or is given up. ARGV: 1 consumer, 2 id, 3 why, 4 whether for good, 5 tries
-- after which it is given up anyway, 6 bound of the dead. Returns 1 when it was given up, 0 otherwise, also when somebody else
-- has it meanwhile.
local row = redis.call('XPENDING', outbox, group, ARGV[2], ARGV[2], 1)[1]
if not row or row[2] ~= ARGV[1] then return 0 end
if ARGV[4] == '1' or row[4] >= tonumber(ARGV[5]) then
  bury(ARGV[2], row[4], ARGV[3], ARGV[6])
  return 1
end
redis.call('XCLAIM', outbox, group, 'waiting:' .. row[4], 0, ARGV[2], 'JUSTID')
return 0
