-- Ends files of a user. ARGV: 3 number of the user, 4 how many at most. Returns how many.
local rows = redis.call('ZRANGE', prefix .. 'fo', '[' .. ARGV[3] .. ':', '(' .. ARGV[3] .. ';', 'BYLEX', 'LIMIT', 0, ARGV[4])
for _, row in ipairs(rows) do end_file(prefix, string.match(row, ':(.*)$')) end
return #rows
