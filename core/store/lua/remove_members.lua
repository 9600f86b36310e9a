-- Ends memberships; the intervals stay, so that who leaves keeps what it could see. ARGV: 3 identity, 4… numbers.
-- Returns 1 or 0 (no present member) for each; nothing when the group does not exist.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
local meta = conversation and prefix .. 'c:' .. conversation
if not meta or redis.call('HEXISTS', meta, 'g') == 0 then return false end
local fields = redis.call('HMGET', meta, 'h', 't')
local head = tonumber(fields[1] or '0')
local result = {}
for index = 4, #ARGV do
  local user = ARGV[index]
  local row = redis.call('HGET', prefix .. 'm:' .. conversation, user)
  local left = 0
  if row then
    local unpacked = cmsgpack.unpack(row)
    local newest = unpacked[4][#unpacked[4]]
    if newest and newest[2] == 0 then
      left = 1
      if newest[1] > head then table.remove(unpacked[4]) else newest[2] = head end
      redis.call('HSET', prefix .. 'm:' .. conversation, user, cmsgpack.pack(unpacked))
      redis.call('SREM', prefix .. 'a:' .. conversation, user)
      if redis.call('SREM', prefix .. 'y:' .. user, conversation) == 1 and fields[2] and #unpacked[4] > 0 then
        redis.call('ZADD', prefix .. 'x:' .. user, fields[2], conversation)
      end
    end
  end
  result[#result + 1] = left
end
return result
