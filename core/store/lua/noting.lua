-- What changed in a user's lists beside messages, for whoever asks what changed since: a hint, kept for a day.

-- `what` as in keys.py; `station` is where it was done, empty when that was not said.
local function note_change(what, conversation, user, station, now)
  local key = prefix .. 'xc:' .. user
  if redis.call('ZADD', key, 'GT', now, what .. ':' .. conversation .. ':' .. station) == 1 then
    redis.call('ZREMRANGEBYRANK', key, 0, -201)
  end
  redis.call('PEXPIRE', key, 86400000)
end
