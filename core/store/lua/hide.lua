-- Deletes messages for one user. ARGV: 3 conversation, 4 user's number, 5 mask of the kinds that lists show, 6… sequences,
-- negative in the backfill lane. Returns 1 for each that the user saw until now, else 0.
local conversation, user = ARGV[3], ARGV[4]
local meta = meta_of(conversation)
local result, newest = {}, 0
if not meta then
  for index = 6, #ARGV do result[index - 5] = 0 end
  return result
end
local view = view_of(conversation, meta, user, '')
for index = 6, #ARGV do
  local sequence = tonumber(ARGV[index])
  local record = record_at(conversation, sequence)
  result[index - 5] = 0
  if record and is_shown(view, 255, sequence, record) then
    local time, _, _, flags, sender = struct.unpack('>I6I4BI2I6', record)
    hide(conversation, sequence, user, bit.band(flags, COUNTED) ~= 0 and sender ~= tonumber(user))
    view.hidden = {} -- what the view remembers of the bits is out of date
    redis.call('ZREM', prefix .. 'w:' .. conversation .. ':' .. user, sequence)
    result[index - 5] = 1
    newest = math.max(newest, time)
  end
end
local key = prefix .. 'x' .. box_of(conversation, user) .. ':' .. user
local row = tonumber(redis.call('ZSCORE', key, conversation) or '0')
if newest > 0 and row > 0 and newest >= row then
  place_row(conversation, user, last_time(conversation, user, tonumber(ARGV[5])))
end
return result
