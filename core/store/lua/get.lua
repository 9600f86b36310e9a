-- One record by its place. ARGV: 3 conversation, 4 sequence. Returns the record, or nothing.
return record_at(ARGV[3], tonumber(ARGV[4]))
