-- In whose lists a conversation may stand. ARGV: 3 identity. Returns the users' numbers; nothing for an unknown conversation.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return false end
local found, seen = {}, {}
local function add(user)
  if not seen[user] then found[#found + 1] = user end
  seen[user] = true
end
for user in string.gmatch(redis.call('HGET', prefix .. 'c:' .. conversation, 'u') or '', '%d+') do add(user) end
for _, user in ipairs(redis.call('HKEYS', prefix .. 'm:' .. conversation)) do add(user) end
-- Who sent something without being a member.
for _, field in ipairs(redis.call('HKEYS', prefix .. 'v:' .. conversation)) do
  if string.byte(field) == 111 then add(string.sub(field, 2)) end
end
return found
