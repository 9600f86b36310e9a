-- Adds members. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 identity, 8 how many earlier
-- messages they see (-1: all), 9 bound of small groups, 10 mask of the kinds that lists show, 11… number, id and role of
-- each. Returns 1 or 0 (present already) for each, as text; nothing when the group does not exist.
local now, period, reference = tonumber(ARGV[3]), tonumber(ARGV[5]), 'add:' .. ARGV[7] .. ':' .. ARGV[6]
local done = first_result(ARGV[4], period, now, reference)
if done and #done == (#ARGV - 10) / 3 then return done end
local conversation = redis.call('HGET', prefix .. 'n', ARGV[7])
local meta = conversation and prefix .. 'c:' .. conversation
if not meta or redis.call('HEXISTS', meta, 'g') == 0 then return false end
local fields = redis.call('HMGET', meta, 'h', 'l')
local result = {}
for index = 11, #ARGV, 3 do
  local user = ARGV[index]
  local joined = join(conversation, user, ARGV[index + 1], ARGV[index + 2], now, tonumber(fields[1] or '0'), tonumber(ARGV[8]))
  result[#result + 1] = joined and 1 or 0
  if joined and fields[2] == '1' then
    redis.call('ZREM', prefix .. 'x' .. box_of(conversation, user) .. ':' .. user, conversation)
    redis.call('SADD', prefix .. 'y:' .. user, conversation)
  elseif joined and not fields[2] then
    write_row(conversation, user, tonumber(ARGV[10]))
  end
end
mark_large(conversation, tonumber(ARGV[9]))
done = table.concat(result)
keep_result(ARGV[4], period, now, reference, done)
return done
