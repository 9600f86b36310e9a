-- Takes tokens from buckets: from all, or from none. What is kept of a bucket is when it will be full again.
-- ARGV: 3 now (ms), 4 how many tokens, then of each bucket 5 name, 6 how many it holds, 7 the time in which it fills (ms), …
-- Returns {0, 0}, or the place (from 1) of the first bucket that has too few, and how long until it has enough (ms).
local now, count = tonumber(ARGV[3]), tonumber(ARGV[4])
local full = {}
for index = 5, #ARGV, 3 do
  local period = tonumber(ARGV[index + 2])
  local at = tonumber(redis.call('GET', prefix .. 'tb:' .. ARGV[index]) or '0')
  -- Whatever clock wrote it, an empty bucket is the most that it can say.
  at = math.max(now, math.min(at, now + period)) + count * period / tonumber(ARGV[index + 1])
  -- A token more or less by rounding would be one too many for somebody who counts.
  if at - now > period + 0.001 then return {(index - 2) / 3, math.ceil(at - now - period)} end
  full[index] = at
end
for index, at in pairs(full) do
  -- Kept for longer than it takes to fill: the caller's clock may go slower than the server's, or stand still.
  redis.call('SET', prefix .. 'tb:' .. ARGV[index], string.format('%.6f', at), 'PX', math.ceil(at - now) + 600000)
end
return {0, 0}
