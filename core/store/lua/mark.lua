-- Changes what a user noted of a conversation. ARGV: 3 identity, 4 user's number, 5 now (ms), 6 station (may be empty), 7… name and
-- packed value of each note, an empty value takes it away. Returns 1; 0 for an unknown conversation.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return 0 end
local key, field = prefix .. 'v:' .. conversation, 'p' .. ARGV[4]
local packed = redis.call('HGET', key, field)
local marks = packed and cmsgpack.unpack(packed) or {}
for index = 7, #ARGV, 2 do
  marks[ARGV[index]] = ARGV[index + 1] ~= '' and cmsgpack.unpack(ARGV[index + 1]) or nil
end
if next(marks) == nil then
  redis.call('HDEL', key, field)
else
  redis.call('HSET', key, field, cmsgpack.pack(marks))
end
note_change('m', conversation, ARGV[4], ARGV[6], ARGV[5])
return 1
