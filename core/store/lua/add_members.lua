-- Adds members. ARGV: 3 now (ms), 4 identity, 5 how many earlier messages they see (-1: all), 6 bound of small groups,
-- 7… number, id and role of each. Returns 1 or 0 (present already) for each; nothing when the group does not exist.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[4])
local meta = conversation and prefix .. 'c:' .. conversation
if not meta or redis.call('HEXISTS', meta, 'g') == 0 then return false end
local fields = redis.call('HMGET', meta, 'h', 't', 'l')
local head = tonumber(fields[1] or '0')
local first = first_visible(head, tonumber(ARGV[5]))
local result = {}
for index = 7, #ARGV, 3 do
  local joined = join(conversation, ARGV[index], ARGV[index + 1], ARGV[index + 2], tonumber(ARGV[3]), first)
  result[#result + 1] = joined
  if joined == 1 then
    if fields[3] then
      redis.call('ZREM', prefix .. 'x:' .. ARGV[index], conversation)
      redis.call('SADD', prefix .. 'y:' .. ARGV[index], conversation)
    elseif fields[2] and first <= head then
      redis.call('ZADD', prefix .. 'x:' .. ARGV[index], fields[2], conversation)
    end
  end
end
mark_large(conversation, tonumber(ARGV[6]))
return result
