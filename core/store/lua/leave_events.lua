-- Lets others take what a consumer has in hand, at once and as if it had not been tried. ARGV: 1 consumer, 2 how long a dead
-- consumer was idle (ms), 3 the most that it may have in hand.
if redis.call('EXISTS', outbox) == 0 or #redis.call('XINFO', 'GROUPS', outbox) == 0 then return 0 end
local rows = redis.call('XPENDING', outbox, group, '-', '+', ARGV[3], ARGV[1])
for _, row in ipairs(rows) do
  redis.call('XCLAIM', outbox, group, ARGV[1], 0, row[1], 'IDLE', ARGV[2], 'RETRYCOUNT', row[4] - 1, 'JUSTID')
end
return #rows
