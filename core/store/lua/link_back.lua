-- Notes a foreign id at its message. ARGV: 3 conversation, 4 sequence (negative in the backfill lane), 5 dialect, 6 id, 7 bound of
-- ids of a message in a dialect. Returns 1, 0 when it has too many, -1 when there is no such message.
local sequence = tonumber(ARGV[4])
local last = redis.call('HGET', prefix .. 'c:' .. ARGV[3], sequence < 0 and 'b' or 'h')
if not last or math.abs(sequence) > tonumber(last) then return -1 end
local key, field = prefix .. 'ic:' .. ARGV[3], ARGV[5] .. '\0' .. ARGV[4]
local row = redis.call('HGET', key, field)
local ids = row and cmsgpack.unpack(row) or {}
for _, id in ipairs(ids) do
  if id == ARGV[6] then return 1 end
end
if #ids >= tonumber(ARGV[7]) then return 0 end
ids[#ids + 1] = ARGV[6]
redis.call('HSET', key, field, cmsgpack.pack(ids))
return 1
