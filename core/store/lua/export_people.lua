-- What users have of a conversation, for a backup. ARGV: 3 conversation, 4… users.
-- Returns how many of them were taken, at least one, fewer than were given when it takes long; and their parts.
local conversation, parts, room, count = ARGV[3], {}, 5000, 0
local meta = meta_of(conversation)
for index = 4, #ARGV do
  if room <= 0 then break end
  room = room - add_person(parts, conversation, meta, ARGV[index])
  count = count + 1
end
return {count, parts}
