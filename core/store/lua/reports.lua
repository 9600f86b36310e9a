-- A page of a direct conversation's reports. ARGV: 3 identity, 4 newest first, 5 cursor (exclusive number, 0: from the end at
-- which one starts), 6 limit.
-- Returns conversation, the users' numbers in the order of the identity, number of the last report, how many there are, number
-- of the first one given, and packed reports in the order asked for; {0} for an unknown conversation.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return {0} end
local key = prefix .. 'rl:' .. conversation
local fields = redis.call('HMGET', prefix .. 'c:' .. conversation, 'u', 'j')
local last, count = tonumber(fields[2] or '0'), redis.call('LLEN', key)
local before, cursor, limit = last - count, tonumber(ARGV[5]), tonumber(ARGV[6])
local from, to
if ARGV[4] == '1' then
  to = cursor > 0 and math.min(cursor - 1, last) or last
  from = math.max(to - limit, before) + 1
else
  from = math.max(cursor, before) + 1
  to = math.min(from + limit - 1, last)
end
local result = {tonumber(conversation), fields[1] or '', last, count, from}
local reports = from <= to and redis.call('LRANGE', key, from - before - 1, to - before - 1) or {}
for index = 1, #reports do
  result[5 + index] = ARGV[4] == '1' and reports[#reports + 1 - index] or reports[index]
end
if ARGV[4] == '1' then result[5] = to end
return result
