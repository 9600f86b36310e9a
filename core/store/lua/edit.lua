-- Replaces a message's content; its place, time and kind stay.
-- ARGV: 3 now (ms), 4 conversation, 5 sequence (negative in the backfill lane), 6 body as the caller read it, 7 new body,
--       8 bound of the outbox.
-- Returns 1, 2 when it is not what the caller read, 0 when there is none. Error QUEUE.
local conversation, sequence, bound = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[8])
local meta = meta_of(conversation)
local record = meta and record_at(conversation, sequence)
if not record or bit.band(string.byte(record, 13), 1) ~= 0 then return 0 end
local body = string.sub(record, 20)
if body == ARGV[7] then return 1 end -- a repeat after a lost answer
if body ~= ARGV[6] then return 2 end
if outbox_is_full(bound) then return redis.error_reply('-QUEUE refused') end
local time, ordinal, kind, flags, sender = struct.unpack('>I6I4BI2I6', record)
redis.call('HSET', key_of(conversation, sequence), math.abs(sequence),
  struct.pack('>I6I4BI2I6', time, ordinal, kind, bit.bor(flags, 16), sender) .. ARGV[7])
local one, two = pair_of(meta)
tell('edited', conversation, sequence, tonumber(ARGV[3]), meta.identity, one, two, bound)
return 1
