-- One page of a conversation's live lane.
-- ARGV: 3 identity, 4 viewer's number (empty: sees all), 5 mask of kinds, 6 newest first, 7 cursor (exclusive sequence, 0:
--       from the end), 8 limit, 9 since, 10 until (ms, exclusive; 0: open).
-- Returns {conversation, next cursor, sequence, record, …}; {0, 0} for an unknown conversation, {conversation, -1} when
-- the viewer never was a member.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return {0, 0} end
local intervals
if ARGV[4] ~= '' then
  intervals = intervals_of(conversation, ARGV[4])
  if not intervals then return {tonumber(conversation), -1} end
end
local low, high = 1, tonumber(redis.call('HGET', prefix .. 'c:' .. conversation, 'h') or '0')
if tonumber(ARGV[9]) > 0 then low = first_since(conversation, tonumber(ARGV[9]), low, high) end
if tonumber(ARGV[10]) > 0 then high = first_since(conversation, tonumber(ARGV[10]), low, high) - 1 end
local cursor = tonumber(ARGV[7])
local start, step
if ARGV[6] == '1' then
  start, step = cursor > 0 and math.min(cursor - 1, high) or high, -1
else
  start, step = math.max(cursor + 1, low), 1
end
local found, following = walk(conversation, start, low, high, step, tonumber(ARGV[8]), tonumber(ARGV[5]), intervals)
local result = {tonumber(conversation), following}
for index = 1, #found do result[index + 2] = found[index] end
return result
