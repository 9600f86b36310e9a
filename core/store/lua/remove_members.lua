-- Ends memberships; the intervals stay, so that who leaves keeps what it could see. ARGV: 3 now (ms), 4 class of the
-- reference row, 5 its period (ms), 6 reference, 7 identity, 8 mask of the kinds that lists show, 9… numbers.
-- Returns 1 or 0 (no present member) for each, as text; nothing when the group does not exist.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'remove:' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
if done and #done == #ARGV - 8 then return done end
local conversation = redis.call('HGET', prefix .. 'n', ARGV[7])
local meta = conversation and prefix .. 'c:' .. conversation
if not meta or redis.call('HEXISTS', meta, 'g') == 0 then return false end
local head = tonumber(redis.call('HGET', meta, 'h') or '0')
local result = {}
for index = 9, #ARGV do
  local user = ARGV[index]
  local row = redis.call('HGET', prefix .. 'm:' .. conversation, user)
  local left = 0
  if row then
    local unpacked = cmsgpack.unpack(row)
    local intervals = unpacked[4]
    local newest = intervals[#intervals]
    if newest and newest[2] == 0 then
      left = 1
      if newest[1] > head then table.remove(intervals) else newest[2] = head end
      redis.call('HSET', prefix .. 'm:' .. conversation, user, cmsgpack.pack(unpacked))
      redis.call('SREM', prefix .. 'a:' .. conversation, user)
      redis.call('SREM', prefix .. 'y:' .. user, conversation)
      write_row(conversation, user, tonumber(ARGV[8]), intervals)
    end
  end
  result[#result + 1] = left
end
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
return done
