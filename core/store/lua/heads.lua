-- What a user's list shows of conversations. ARGV: 3 user's number, 4 mask of kinds, 5… conversations, or one identity
-- after the word `identity`.
-- Returns for each: conversation, identity, time of the last message, packed group (or nothing), sequence and record of
-- the last message that the user is shown (or 0 and nothing), whether a group's user never was a member.
local result = {}
local wanted = {}
if ARGV[5] == 'identity' then
  wanted[1] = redis.call('HGET', prefix .. 'n', ARGV[6]) or nil
else
  for index = 5, #ARGV do wanted[#wanted + 1] = ARGV[index] end
end
for _, conversation in ipairs(wanted) do
  local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'i', 't', 'h', 'g')
  if fields[1] and fields[2] then
    local intervals, stranger = nil, 0
    if string.sub(fields[1], 1, 1) == 'g' then
      intervals = intervals_of(conversation, ARGV[3])
      if not intervals then intervals, stranger = {}, 1 end
    end
    local high = tonumber(fields[3])
    local found = walk(conversation, high, 1, high, -1, 1, tonumber(ARGV[4]), intervals)
    result[#result + 1] = {tonumber(conversation), fields[1], tonumber(fields[2]), fields[4], found[1] or 0,
      found[2] or false, stranger}
  end
end
return result
