-- Goes on with writing the rows anew that stand where a message was recalled. ARGV: 3 conversation, 4 time (ms), 5 mask of the kinds
-- that lists show, 6 cursor. Returns the next cursor, 0 at the end.
local conversation, time, mask = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local meta, again = meta_of(conversation), false
local following = some_users(conversation, meta, ARGV[6], function(user)
  again = rewrite_row(conversation, user, time, mask) or again
end)
-- Those that were written stand elsewhere now.
return again and 'again' or following
