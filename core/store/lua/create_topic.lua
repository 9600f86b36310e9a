-- Creates a topic. ARGV: 3 now (ms), 4 class of the reference row, 5 its period (ms), 6 reference, 7 identity, 8 bucket,
-- 9 number (0: look only), 10 packed topic, 11 alias (may be empty), 12 whether a topic of that alias is taken for it, 13 number of
-- who creates it.
-- Returns the topic's number, 0 for none, and whether this reference created it; error FULL.
local now, period = tonumber(ARGV[3]), tonumber(ARGV[5])
local conversation = redis.call('HGET', prefix .. 'n', ARGV[7])
if conversation then
  local first = first_result(ARGV[4], period, now, 'topic:' .. conversation .. ':' .. ARGV[6])
  if first then return {tonumber(first), 1} end
  local present = ARGV[12] == '1' and redis.call('HGET', prefix .. 'o:' .. conversation, 'r' .. ARGV[11])
  if present then return {tonumber(present), 0} end
end
if ARGV[9] == '0' then return {0, 0} end
conversation = conversation_of(ARGV[7], ARGV[8])
if not conversation then return redis.error_reply('-FULL refused') end
local alias = ARGV[11] ~= '' and {'r' .. ARGV[11], ARGV[9]} or {}
redis.call('HSET', prefix .. 'o:' .. conversation, ARGV[9], ARGV[10], unpack(alias))
redis.call('ZADD', prefix .. 'oz:' .. conversation, ARGV[9], ARGV[9])
-- So that everybody whose topic it is is found again.
redis.call('HSETNX', prefix .. 'v:' .. conversation, 'o' .. ARGV[13], 1)
keep_result(ARGV[4], period, now, 'topic:' .. conversation .. ':' .. ARGV[6], ARGV[9])
return {tonumber(ARGV[9]), 1}
