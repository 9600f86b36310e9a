-- Gives a consumer entries of an outbox, and holds those that it has in hand: first what it or a dead consumer left, then
-- failed ones whose delay is over, then new ones. Only one consumer at a time has entries in hand (others that failed wait
-- apart), and what a dead one left comes before anything new, so entries of a conversation keep their order.
-- ARGV: 1 consumer, 2 how many (0: only hold), 3 how long a dead consumer was idle (ms), 4 tries after which an entry is given
-- up, 5 delay after the first failure (ms), four times as long after each further one, 6 the longest delay, 7 bound of the
-- dead, 8… ids in hand. Returns {id, tries with this one, {field, value, …}} of each.
local me, wanted, result, in_hand = ARGV[1], tonumber(ARGV[2]), {}, {}
if redis.call('EXISTS', outbox) == 0 then return result end
local groups = redis.call('XINFO', 'GROUPS', outbox)
if #groups == 0 then
  redis.call('XGROUP', 'CREATE', outbox, group, '0')
  groups = redis.call('XINFO', 'GROUPS', outbox)
end
local state = {}
for index = 1, #groups[1], 2 do state[groups[1][index]] = groups[1][index + 1] end
for index = 8, #ARGV do in_hand[ARGV[index]] = true end

-- Rows are {id, consumer, idle ms, tries}.
local function pending_of(consumer, count)
  return redis.call('XPENDING', outbox, group, '-', '+', count, consumer)
end

local function take(row)
  if row[4] >= tonumber(ARGV[4]) then return bury(row[1], row[4], 'tries', ARGV[7]) end
  local entry = redis.call('XCLAIM', outbox, group, me, 0, row[1])[1]
  if entry then result[#result + 1] = {entry[1], row[4] + 1, entry[2]} end
end

local holders, busy, mine = {}, false, 0
if state.pending > 0 then holders = redis.call('XPENDING', outbox, group)[4] end
for _, holder in ipairs(holders) do
  if holder[1] == me then
    mine = tonumber(holder[2])
  elseif string.sub(holder[1], 1, 8) ~= 'waiting:' then
    busy = busy or pending_of(holder[1], 1)[1][3] < tonumber(ARGV[3])
  end
end
if mine > 0 then
  for _, row in ipairs(pending_of(me, mine)) do
    if in_hand[row[1]] then
      redis.call('XCLAIM', outbox, group, me, 0, row[1], 'JUSTID')
    elseif #result < wanted then
      take(row)
    end
  end
end
if not busy and wanted > 0 then
  for _, holder in ipairs(holders) do
    local tries = string.match(holder[1], '^waiting:(%d+)$')
    if not tries and holder[1] ~= me then
      local left = tonumber(holder[2])
      for _, row in ipairs(pending_of(holder[1], math.max(wanted - #result, 1))) do
        take(row)
        left = left - 1
      end
      busy = busy or left > 0
    end
  end
end
if not busy and wanted > 0 then
  for _, holder in ipairs(holders) do
    local tries = string.match(holder[1], '^waiting:(%d+)$')
    if tries then
      local delay = math.min(tonumber(ARGV[5]) * 4 ^ (tries - 1), tonumber(ARGV[6]))
      -- A few of each number of tries, so that neither they nor the new ones wait for the others.
      for _, row in ipairs(pending_of(holder[1], 4)) do
        if row[3] >= delay then take(row) end
      end
    end
  end
  if #result < wanted and redis.call('XRANGE', outbox, '(' .. state['last-delivered-id'], '+', 'COUNT', 1)[1] then
    local read = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', wanted - #result, 'STREAMS', outbox, '>')
    for _, entry in ipairs(read[1][2]) do result[#result + 1] = {entry[1], 1, entry[2]} end
  end
end
-- Consumers are known only while they have something: every worker has a name of its own.
if state.consumers > #holders then
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', outbox, group)) do
    local known = {}
    for index = 1, #consumer, 2 do known[consumer[index]] = consumer[index + 1] end
    if known.pending == 0 then redis.call('XGROUP', 'DELCONSUMER', outbox, group, known.name) end
  end
end
return result
