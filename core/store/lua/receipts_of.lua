-- What some users have of a message. ARGV: 3 conversation, 4 sequence (negative in the backfill lane), 5… users' numbers.
-- Returns number, id (empty in a direct conversation), when delivered and when read (ms, 0: not so) of those who could get it.
-- Of imports nothing is known: a step tells of the live lane.
local conversation, sequence = ARGV[3], tonumber(ARGV[4])
local meta = meta_of(conversation)
local record = meta and record_at(conversation, sequence)
if not record then return {} end
local position = sequence < 0 and struct.unpack('>I4', record, 7) or sequence
local row = redis.call('HGET', prefix .. 'j:' .. conversation, sequence)
local addressees, _, without = unpack(row and cmsgpack.unpack(row) or {})

local function contains(users, user)
  for _, each in ipairs(users) do
    if each == user then return true end
  end
  return false
end

local result = {}
for index = 5, #ARGV do
  local user = ARGV[index]
  local member = not is_direct(meta) and redis.call('HGET', prefix .. 'm:' .. conversation, user)
  local id, intervals = '', nil
  if member then id, _, _, intervals = unpack(cmsgpack.unpack(member)) end
  local number = tonumber(user)
  if (is_direct(meta) or (intervals and within(intervals, position)))
    and (not addressees or contains(addressees, number)) and not (without and contains(without, number)) then
    result[#result + 1] = number
    result[#result + 1] = id
    for _, what in ipairs({'delivered', 'read'}) do
      result[#result + 1] = sequence > 0 and step_time(conversation, user, what, sequence) or 0
    end
  end
end
return result
