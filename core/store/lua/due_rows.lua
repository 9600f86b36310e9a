-- Due rows: what is to be done at a time. A row's value is 6 bytes of time (ms), one of tries, one the length of why it was
-- given up, that, and the packed action.
local due, failed, values = prefix .. 'due', prefix .. 'duef', prefix .. 'dueb'

local function read_row(value)
  local time, tries, length = struct.unpack('>I6BB', value)
  return time, tries, string.sub(value, 9 + length)
end

local function write_row(id, time, tries, reason, action)
  redis.call('HSET', values, id, struct.pack('>I6BB', time, tries, #reason) .. reason .. action)
end

-- Keeps the partition's order of tenants by their earliest row.
local function note_earliest()
  local index = string.match(base, '^cg{[^}]*}') .. ':due'
  local member = string.match(base, '}(.*)$') .. ':' .. ARGV[2]
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if first[1] then redis.call('ZADD', index, first[2], member) else redis.call('ZREM', index, member) end
end

-- Puts a row aside for good; beyond the bound the oldest such row is forgotten.
local function give_up(id, value, now, reason, bound)
  local time, tries, action = read_row(value)
  redis.call('ZREM', due, id)
  write_row(id, time, tries, reason, action)
  redis.call('ZADD', failed, now, id)
  for _, oldest in ipairs(redis.call('ZRANGE', failed, 0, -1 - tonumber(bound))) do
    redis.call('ZREM', failed, oldest)
    redis.call('HDEL', values, oldest)
  end
end
