-- Who might have got a message. ARGV: 3 conversation, 4 sequence (negative in the backfill lane).
-- Returns identity, sender's number, and the numbers of the two, or of all who are or were members, unordered; nothing when
-- there is no such message.
local conversation, sequence = ARGV[3], tonumber(ARGV[4])
local meta = meta_of(conversation)
local record = meta and record_at(conversation, sequence)
if not record or bit.band(string.byte(record, 13), DELETED) ~= 0 then return false end
local result = {meta.identity, (struct.unpack('>I6', record, 14))}
if is_direct(meta) then
  for user in string.gmatch(meta.users, '%d+') do result[#result + 1] = user end
else
  for _, user in ipairs(redis.call('HKEYS', prefix .. 'm:' .. conversation)) do result[#result + 1] = user end
end
return result
