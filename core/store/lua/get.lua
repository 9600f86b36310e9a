-- One record by its place. ARGV: 3 conversation, 4 sequence (negative in the backfill lane), 5 viewer's number (empty: an
-- administrator), 6 viewer's station. Returns the record, or nothing when there is none that the viewer may see.
local meta = meta_of(ARGV[3])
if not meta then return false end
local sequence = tonumber(ARGV[4])
local record = record_at(ARGV[3], sequence)
if not record or not is_shown(view_of(ARGV[3], meta, ARGV[5], ARGV[6]), 255, sequence, record) then return false end
return record
