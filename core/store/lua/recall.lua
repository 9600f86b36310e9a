-- Deletes a message for all: the header stays as tombstone, so that sequences, times and ordinals go on.
-- ARGV: 3 now (ms), 4 conversation, 5 sequence (negative in the backfill lane), 6 body of the tombstone, 7 mask of the kinds
--       that lists show, 8 bound of the outbox.
-- Returns {1, or 2 when it is deleted already, or 0 when there is none; its time (ms); whether `rewrite_rows` has to go on}. Error
-- QUEUE.
local conversation, sequence, mask, bound = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[7]), tonumber(ARGV[8])
local meta = meta_of(conversation)
local record = meta and sequence <= meta.head and (sequence < 0 or sequence > meta.dropped) and record_at(conversation, sequence)
if not record then return {0, 0, 0} end
local time, ordinal, kind, flags, sender = struct.unpack('>I6I4BI2I6', record)
local position = sequence > 0 and sequence or ordinal
if bit.band(flags, DELETED) ~= 0 then
  -- Whoever did it may not have come to the end.
  return {2, time, each_user(conversation, meta, nil, position, function() end) and 1 or 0}
end
if outbox_is_full(bound) then return redis.error_reply('-QUEUE refused') end
if sequence > 0 then
  -- For who has read it before and makes a copy.
  redis.call('HINCRBY', prefix .. 'c:' .. conversation, 'v', 1)
  redis.call('RPUSH', prefix .. 'tv:' .. conversation, sequence)
  redis.call('LTRIM', prefix .. 'tv:' .. conversation, -500, -1)
end
local by = string.format('%.0f', sender)
local key = prefix .. 'c:' .. conversation

redis.call('HSET', key_of(conversation, sequence), math.abs(sequence),
  struct.pack('>I6I4BI2I6', time, ordinal, kind, bit.bor(flags, DELETED), sender) .. ARGV[6])
if bit.band(flags, COUNTED) ~= 0 then
  redis.call('ZADD', prefix .. 't:' .. conversation, sequence, sequence)
  redis.call('ZADD', prefix .. 't:' .. conversation .. ':' .. by, sequence, sequence)
  redis.call('HSETNX', prefix .. 'v:' .. conversation, 'o' .. by, 1)
  redis.call('HSET', key, 'r', 1)
end
local row = bit.band(flags, RESTRICTED) ~= 0 and redis.call('HGET', prefix .. 'j:' .. conversation, sequence)
for _, user in ipairs(row and cmsgpack.unpack(row)[1] or {}) do
  redis.call('ZREM', prefix .. 'w:' .. conversation .. ':' .. string.format('%.0f', user), sequence)
end
if sequence == meta.newest then
  local everything = {conversation = conversation, meta = meta}
  local found = walk(everything, sequence - 1, meta.dropped + 1, sequence, -1, 1, mask)
  -- A long way back is gone in steps: what lies between is nothing that a list shows.
  meta.newest = found[1] or math.max(meta.dropped, sequence - 1000)
  redis.call('HSET', key, 's', meta.newest)
end
local again = false
local more = each_user(conversation, meta, by, position, function(user)
  again = rewrite_row(conversation, user, time, mask) or again
end)
local one, two = pair_of(meta)
tell('recalled', conversation, sequence, tonumber(ARGV[3]), meta.identity, one, two, bound)
return {1, time, (more or again) and 1 or 0}
