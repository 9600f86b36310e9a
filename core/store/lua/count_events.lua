-- How full an outbox is. Returns entries, age of the oldest (ms, by the server's clock), how many are in hand, how many failed
-- and wait, and how many were given up.
local first, in_hand, waiting = redis.call('XRANGE', outbox, '-', '+', 'COUNT', 1)[1], 0, 0
local age = 0
if first then
  local now = redis.call('TIME')
  age = math.max(0, now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(string.match(first[1], '^%d+')))
  if #redis.call('XINFO', 'GROUPS', outbox) > 0 then
    for _, holder in ipairs(redis.call('XPENDING', outbox, group)[4] or {}) do
      if string.sub(holder[1], 1, 8) == 'waiting:' then
        waiting = waiting + tonumber(holder[2])
      else
        in_hand = in_hand + tonumber(holder[2])
      end
    end
  end
end
return {redis.call('XLEN', outbox), age, in_hand, waiting, redis.call('XLEN', dead)}
