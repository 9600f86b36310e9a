-- Adds members. ARGV: 3 now (ms), 4 identity, 5 how many earlier messages they see (-1: all), 6 bound of small groups,
-- 7 mask of the kinds that lists show, 8… number, id and role of each.
-- Returns 1 or 0 (present already) for each; nothing when the group does not exist.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[4])
local meta = conversation and prefix .. 'c:' .. conversation
if not meta or redis.call('HEXISTS', meta, 'g') == 0 then return false end
local fields = redis.call('HMGET', meta, 'h', 'l')
local first = first_visible(tonumber(fields[1] or '0'), tonumber(ARGV[5]))
local result = {}
for index = 8, #ARGV, 3 do
  local user = ARGV[index]
  local intervals = join(conversation, user, ARGV[index + 1], ARGV[index + 2], tonumber(ARGV[3]), first)
  result[#result + 1] = intervals and 1 or 0
  if intervals and fields[2] then
    redis.call('ZREM', prefix .. 'x:' .. user, conversation)
    redis.call('SADD', prefix .. 'y:' .. user, conversation)
  elseif intervals then
    write_row(conversation, user, tonumber(ARGV[7]), intervals)
  end
end
mark_large(conversation, tonumber(ARGV[6]))
return result
