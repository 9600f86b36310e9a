-- Foreign ids at messages that are gone, or that a user sent. ARGV: 3 conversation, 4 cursor, 5 the user's number (empty: those of
-- messages that are gone). Returns the next cursor (0 at the end), then field and packed ids of each.
local meta = meta_of(ARGV[3])
local found = redis.call('HSCAN', prefix .. 'ic:' .. ARGV[3], ARGV[4], 'COUNT', 100)
local result = {found[1]}
for index = 1, #found[2], 2 do
  local sequence = tonumber(string.match(found[2][index], '%z(-?%d+)$'))
  local record = record_at(ARGV[3], sequence)
  local lost = not record or (sequence > 0 and sequence <= meta.dropped)
  if ARGV[5] ~= '' then lost = record and struct.unpack('>I6', record, 14) == tonumber(ARGV[5]) end
  if lost then
    result[#result + 1] = found[2][index]
    result[#result + 1] = found[2][index + 1]
  end
end
return result
