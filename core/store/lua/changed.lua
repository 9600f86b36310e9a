-- What changed in a user's lists in this partition. ARGV: 3 user's number, 4 since (ms, exclusive), 5 mask of the kinds that lists
-- show, 6 how many of each list at most, the latest.
-- Returns {conversation, identity, time of the last message that the user is shown, whether the first one there is came since too,
-- …} and {conversation, identity, time, what, station, …}.
local user, since, limit = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6])
local messages, others = {}, {}

-- A long log did not begin just now; so only records near to the first one are looked at.
local function began(conversation, meta)
  if meta.head - meta.dropped > 100 then return 0 end
  local first = record_at(conversation, meta.dropped + 1)
  return first and struct.unpack('>I6', first) > since and 1 or 0
end

local function add(conversation, meta, time)
  for _, value in ipairs({tonumber(conversation), meta.identity, time, began(conversation, meta)}) do
    messages[#messages + 1] = value
  end
end

for _, box in ipairs({'', 'a', 'h'}) do
  local key = prefix .. 'x' .. box .. ':' .. user
  local rows = redis.call('ZRANGE', key, '+inf', '(' .. ARGV[4], 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
  for index = 1, #rows, 2 do
    local meta = meta_of(rows[index])
    if meta then add(rows[index], meta, tonumber(rows[index + 1])) end
  end
end
-- Large groups write no row a member.
for _, conversation in ipairs(redis.call('SMEMBERS', prefix .. 'y:' .. user)) do
  local meta = meta_of(conversation)
  local _, record = last_shown(view_of(conversation, meta, user, ''), tonumber(ARGV[5]))
  local time = record and struct.unpack('>I6', record) or 0
  if time > since then add(conversation, meta, time) end
end
local rows = redis.call('ZRANGE', prefix .. 'xc:' .. user, '+inf', '(' .. ARGV[4], 'BYSCORE', 'REV', 'LIMIT', 0, limit, 'WITHSCORES')
for index = 1, #rows, 2 do
  local what, conversation, station = string.match(rows[index], '^(%a):(%d+):(.*)$')
  local identity = redis.call('HGET', prefix .. 'c:' .. conversation, 'i')
  if identity then
    for _, value in ipairs({tonumber(conversation), identity, tonumber(rows[index + 1]), what, station}) do
      others[#others + 1] = value
    end
  end
end
return {messages, others}
