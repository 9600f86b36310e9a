-- Goes on with moving rows up to imported messages. ARGV: 3 conversation, 4 mask of the kinds that lists show, 5 cursor, 6… sequences
-- (negative). Returns the next cursor, 0 at the end.
local conversation, mask = ARGV[3], tonumber(ARGV[4])
local meta, messages = meta_of(conversation), {}
for index = 6, #ARGV do
  local sequence = tonumber(ARGV[index])
  local record = record_at(conversation, sequence)
  if record then messages[#messages + 1] = {time = struct.unpack('>I6', record), sequence = sequence, record = record} end
end
table.sort(messages, function(a, b) return a.time > b.time end)
return some_users(conversation, meta, ARGV[5], function(user) raise_row(conversation, meta, user, messages, mask) end)
