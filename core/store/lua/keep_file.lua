-- Makes a file of bytes that are all there. ARGV: 3 id, 4 packed record, 5 number of the owner (empty: none), 6 time (ms) at which
-- it expires (empty: never). Returns 0 when this comes too late: the bytes are being deleted.
local file = string.sub(prefix, #tag + 1) .. ARGV[3]
if redis.call('HEXISTS', prefix .. 'fi', ARGV[3]) == 1 then return 1 end
if not redis.call('ZSCORE', pending, file) then return 0 end
redis.call('HSET', prefix .. 'fi', ARGV[3], ARGV[4])
if ARGV[5] ~= '' then redis.call('ZADD', prefix .. 'fo', 0, ARGV[5] .. ':' .. ARGV[3]) end
if ARGV[6] ~= '' then redis.call('ZADD', pending, ARGV[6], file) else redis.call('ZREM', pending, file) end
return 1
