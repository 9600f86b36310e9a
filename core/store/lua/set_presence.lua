-- Notes that a user is online at a station, or no more. ARGV: 3 now (ms), 4 user's number, 5 station (empty, when going: all of
-- them), 6 until when (ms; 0: going), 7 status, 8 bound of stations.
-- Returns whether the user was online there.
local now, station, till = tonumber(ARGV[3]), ARGV[5], tonumber(ARGV[6])
local packed = redis.call('HGET', prefix .. 'pr', ARGV[4])
local row = packed and cmsgpack.unpack(packed) or {false, {}}
local kept, was_online = {}, 0
for _, each in ipairs(row[2]) do
  local is_over = each[2] <= now
  if each[1] == station or (till == 0 and station == '') then
    if not is_over then was_online = 1 end
  elseif not is_over then
    kept[#kept + 1] = each
  end
end
if till == 0 and was_online == 0 then return 0 end
if till > 0 then kept[#kept + 1] = {station, till, ARGV[7]} end
if #kept > tonumber(ARGV[8]) then
  table.sort(kept, function(a, b) return a[2] > b[2] end)
  table.remove(kept)
end
redis.call('HSET', prefix .. 'pr', ARGV[4], cmsgpack.pack({math.max(now, row[1] or now), kept}))
return was_online
