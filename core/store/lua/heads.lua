-- What a user's list shows of conversations. ARGV: 3 user's number, 4 mask of kinds, 5… conversations, or one identity
-- after the word `identity`.
-- Returns for each in which the user is shown anything: conversation, identity, packed group (or nothing), sequence and
-- record of the last message that the user is shown.
local result = {}
local wanted = {}
if ARGV[5] == 'identity' then
  wanted[1] = redis.call('HGET', prefix .. 'n', ARGV[6]) or nil
else
  for index = 5, #ARGV do wanted[#wanted + 1] = ARGV[index] end
end
for _, conversation in ipairs(wanted) do
  local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'i', 'h', 'g')
  if fields[1] then
    local intervals, sequence, record
    local stranger = false
    if string.sub(fields[1], 1, 1) == 'g' then
      intervals = intervals_of(conversation, ARGV[3])
      stranger = not intervals
    end
    if stranger then
      local time = redis.call('ZSCORE', prefix .. 'x:' .. ARGV[3], conversation)
      if time then -- that of the last own message
        sequence = first_since(conversation, tonumber(time), 1, tonumber(fields[2] or '0'))
        record = record_at(conversation, sequence)
      end
    else
      sequence, record = last_shown(conversation, tonumber(ARGV[4]), intervals)
    end
    if record then result[#result + 1] = {tonumber(conversation), fields[1], fields[3], sequence, record} end
  end
end
return result
