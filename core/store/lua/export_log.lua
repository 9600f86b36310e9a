-- Records of a lane of a conversation for a backup, 500 or about a megabyte. ARGV: 3 conversation, 4 lane (1 live, -1 backfill),
-- 5 sequence to go on after.
-- Returns the sequence to go on after, the last one of the lane, the dropped one, rows of audiences {sequence, row, …},
-- {sequence, record, …}, and the users whose rows these have changed.
local conversation, sign, sequence = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local meta = meta_of(conversation)
if not meta then return {0, 0, 0, {}, {}, {}} end
local last = sign > 0 and meta.head or tonumber(meta.backfill or '0')
if sign > 0 then sequence = math.max(sequence, meta.dropped) end
local rows, audiences, users
sequence, rows, audiences, users = records_after(conversation, sign, sequence, last)
return {sequence, last, meta.dropped, audiences, rows, users}
