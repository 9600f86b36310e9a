-- Changes a user's note on a contact. ARGV: 3 user's number, 4 the other's, 5 the note (empty: none).
-- Returns 1, or 0 when the other is no contact.
local key = prefix .. 'ec:' .. ARGV[3]
local packed = redis.call('HGET', key, ARGV[4])
local row = packed and cmsgpack.unpack(packed)
if not row or row[2] ~= 'a' then return 0 end
row[5] = ARGV[5] ~= '' and ARGV[5]
redis.call('HSET', key, ARGV[4], cmsgpack.pack(row))
return 1
