-- Replaces a user's profile, and with it the password, if the profile still is what the caller read. Who failed to log in too often
-- may try again with a new password.
-- ARGV: 3 id, 4 packed profile as read, 5 the new one, 6 password hash (empty: as it was).
-- Returns 1, 2 when another was faster, 0 when there is no such user.
local present = redis.call('HGET', prefix .. 'p', ARGV[3])
if not present then return 0 end
if present == ARGV[5] then return 1 end -- a repeat after a lost answer, or nothing to change
if present ~= ARGV[4] then return 2 end
redis.call('HSET', prefix .. 'p', ARGV[3], ARGV[5])
if ARGV[6] ~= '' then
  redis.call('HSET', prefix .. 's', ARGV[3], ARGV[6])
  redis.call('DEL', prefix .. 'at:' .. ARGV[3])
end
return 1
