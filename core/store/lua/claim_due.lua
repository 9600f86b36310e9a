-- Gives rows that are due, and moves each to where its lease ends, so that it is given again unless it is finished. The
-- lease doubles with every try. ARGV: 3 now (ms), 4 lease (ms), 5 how many rows, 6 tries after which a row is given up,
-- 7 bound of given-up rows. Returns id, tries so far and packed action of each, a megabyte or a little more in all.
local now, result, bytes = tonumber(ARGV[3]), {}, 0
for _, id in ipairs(redis.call('ZRANGE', due, '-inf', ARGV[3], 'BYSCORE', 'LIMIT', 0, ARGV[5])) do
  if bytes >= 1048576 then break end
  local value = redis.call('HGET', values, id)
  local time, tries, action = read_row(value)
  if tries >= tonumber(ARGV[6]) then
    give_up(id, value, ARGV[3], 'tries', ARGV[7])
  else
    redis.call('ZADD', due, string.format('%.0f', now + tonumber(ARGV[4]) * 2 ^ math.min(tries, 6)), id)
    write_row(id, time, tries + 1, '', action)
    bytes = bytes + #action
    result[#result + 1] = id
    result[#result + 1] = tries + 1
    result[#result + 1] = action
  end
end
note_earliest()
return result
