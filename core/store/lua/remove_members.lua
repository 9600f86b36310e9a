-- Ends memberships; the intervals stay, so that who leaves keeps what it could see. A room keeps nothing of who left. ARGV:
-- 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 identity, 8 mask of the kinds that lists show,
-- 9… numbers. Returns 1 or 0 (no present member) for each, as text; nothing when the group does not exist.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'remove:' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
if done and #done == #ARGV - 8 then return done end
local conversation = redis.call('HGET', prefix .. 'n', ARGV[7])
local meta = conversation and prefix .. 'c:' .. conversation
if not meta or redis.call('HEXISTS', meta, 'g') == 0 then return false end
local fields = redis.call('HMGET', meta, 'h', 'l')
local head, members = tonumber(fields[1] or '0'), prefix .. 'm:' .. conversation
local result = {}
for index = 9, #ARGV do
  local user = ARGV[index]
  local left = redis.call('SREM', prefix .. 'a:' .. conversation, user)
  if left == 1 and fields[2] == '2' then
    redis.call('HDEL', members, user)
    -- What the user deleted stays deleted.
    redis.call('HDEL', prefix .. 'v:' .. conversation, 'r' .. user, 'i' .. user, 'b' .. user, 'p' .. user)
    redis.call('UNLINK', prefix .. 'rs:' .. conversation .. ':' .. user, prefix .. 'ds:' .. conversation .. ':' .. user)
  elseif left == 1 then
    local row = cmsgpack.unpack(redis.call('HGET', members, user))
    row[4][#row[4]][2] = head
    redis.call('HSET', members, user, cmsgpack.pack(row))
    redis.call('SREM', prefix .. 'y:' .. user, conversation)
    if fields[2] then keep_return(conversation, user, tonumber(ARGV[8])) end
    write_row(conversation, user, tonumber(ARGV[8]))
  end
  result[#result + 1] = left
end
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
return done
