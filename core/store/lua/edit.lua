-- Replaces a message's content; its place, time and kind stay.
-- ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 conversation, 8 sequence (negative in the
--       backfill lane), 9 body as the caller read it, 10 new body, 11 bound of the outbox.
-- Returns 1, 3 when it was done before, 2 when it is not what the caller read, 0 when there is none. Error QUEUE.
local now, period, conversation, sequence, bound = tonumber(ARGV[3]), tonumber(ARGV[5]), ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[11])
local meta = meta_of(conversation)
local record = meta and record_at(conversation, sequence)
if not record or bit.band(string.byte(record, 13), DELETED) ~= 0 then return 0 end
local reference = 'edit:' .. conversation .. ':' .. ARGV[8] .. ':' .. ARGV[6]
if first_result(ARGV[4], period, now, reference) then return 3 end
if string.sub(record, 20) ~= ARGV[9] then return 2 end
if outbox_is_full(bound) then return redis.error_reply('-QUEUE refused') end
local time, ordinal, kind, flags, sender = struct.unpack('>I6I4BI2I6', record)
redis.call('HSET', key_of(conversation, sequence), math.abs(sequence),
  struct.pack('>I6I4BI2I6', time, ordinal, kind, bit.bor(flags, EDITED), sender) .. ARGV[10])
keep_result(ARGV[4], period, now, reference, 1)
local one, two = pair_of(meta)
tell('edited', conversation, sequence, now, meta.identity, one, two, bound)
return 1
