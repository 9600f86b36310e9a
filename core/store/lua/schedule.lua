-- Writes a due row. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 id, 7 time (ms), 8 packed action,
-- 9 bound of rows. Returns the row's time; of the first one when the id was used before. Error QUEUE at the bound.
local now, period, id = tonumber(ARGV[3]), tonumber(ARGV[5]), ARGV[6]
local value = redis.call('HGET', values, id)
if value then return (read_row(value)) end
local first = first_result(ARGV[4], period, now, 'due:' .. id)
if first then return tonumber(first) end
if redis.call('ZCARD', due) >= tonumber(ARGV[9]) then return redis.error_reply('-QUEUE refused') end
write_row(id, tonumber(ARGV[7]), 0, '', ARGV[8])
redis.call('ZADD', due, ARGV[7], id)
note_earliest()
keep_result(ARGV[4], period, now, 'due:' .. id, ARGV[7])
return tonumber(ARGV[7])
