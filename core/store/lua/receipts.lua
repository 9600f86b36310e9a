-- When each user was delivered what, and read it. A step is reached once: what came before it was delivered or read then at
-- the latest. Of each user the newest 500 steps are kept: of older messages the time is that of the oldest step.

local function write_step(conversation, user, what, sequence, now)
  local key = prefix .. string.sub(what, 1, 1) .. 's:' .. conversation .. ':' .. user
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if sequence <= tonumber(last[2] or '0') then return false end
  redis.call('ZADD', key, sequence, sequence .. ':' .. string.format('%.0f', now))
  redis.call('ZREMRANGEBYRANK', key, 0, -501)
  return true
end

-- The time (ms) of the step that covers a sequence, 0 when none does.
local function step_time(conversation, user, what, sequence)
  local key = prefix .. string.sub(what, 1, 1) .. 's:' .. conversation .. ':' .. user
  local step = redis.call('ZRANGE', key, sequence, '+inf', 'BYSCORE', 'LIMIT', 0, 1)[1]
  return step and tonumber(string.match(step, ':(%d+)$')) or 0
end

-- A direct conversation keeps a dense log of reports, numbered from 1; the newest 10,000 of them.
local function report(conversation, user, station, what, sequence, now)
  redis.call('HINCRBY', prefix .. 'c:' .. conversation, 'j', 1)
  redis.call('RPUSH', prefix .. 'rl:' .. conversation, cmsgpack.pack({user, station, what, sequence, now}))
  redis.call('LTRIM', prefix .. 'rl:' .. conversation, -10000, -1)
end
