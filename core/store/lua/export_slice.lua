-- A slice of a key for a backup. ARGV: 3 name behind the tenant's prefix, 4 type (`h` or `z`), 5 cursor.
-- Returns the next cursor (0 at the end) and {field, value, …} or {member, score, …}.
return redis.call(ARGV[4] == 'h' and 'HSCAN' or 'ZSCAN', prefix .. ARGV[3], ARGV[5], 'COUNT', 200)
