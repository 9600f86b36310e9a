-- Makes a placed name a registered user, who owns the folded form of the name unless another registered user does.
-- ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 id, 8 folded id, 9 number, 10 packed
-- profile, 11 password hash (may be empty), 12 whether the name folds. Returns 1, or 0 when it is registered, or when a
-- folding name got another owner since its place was looked up: nobody would find who registers here.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'register\0' .. ARGV[7] .. '\0' .. ARGV[6]
if first_result(ARGV[4], period, now, reference) then return 1 end
if ARGV[12] == '1' and (redis.call('HGET', prefix .. 'f', ARGV[8]) or ARGV[7]) ~= ARGV[7] then return 0 end
if redis.call('HSETNX', prefix .. 'p', ARGV[7], ARGV[10]) == 0 then return 0 end
redis.call('HSETNX', prefix .. 'f', ARGV[8], ARGV[7])
redis.call('ZADD', prefix .. 'z', ARGV[9], ARGV[7])
if ARGV[11] ~= '' then redis.call('HSET', prefix .. 's', ARGV[7], ARGV[11]) end
keep_result(ARGV[4], period, now, reference, 1)
return 1
