-- An outbox: a stream that one group of consumers reads. An entry that failed waits as that of a consumer `waiting:TRIES`;
-- one that was given up goes to the stream of the dead.
local outbox, dead, group = KEYS[1], KEYS[1] .. ':dead', 'gateway'

local function remove(ids)
  redis.call('XACK', outbox, group, unpack(ids))
  redis.call('XDEL', outbox, unpack(ids))
end

-- Beyond the bound the oldest of the dead are forgotten.
local function bury(id, tries, reason, bound)
  local entry = redis.call('XRANGE', outbox, id, id)[1]
  if entry then
    local fields = entry[2]
    for _, word in ipairs({'e', id, 'n', tries, 'r', reason}) do fields[#fields + 1] = word end
    redis.call('XADD', dead, 'MAXLEN', '=', bound, '*', unpack(fields))
  end
  remove({id})
end
