-- Appends one message to the live lane of a conversation, with everything that belongs to it. All checks come before the
-- first write, since a failing script keeps what it wrote.
-- ARGV: 3 now (ms), 4 identity, 5 bucket, 6 sender's number, 7 reference, 8 class of the reference row, 9 its period (ms),
--       10 kind, 11 flags, 12 countable, 13 touches the inboxes, 14 bound of the outbox (0: no consumer), 15 body,
--       16… numbers of the two users of a direct conversation.
-- Returns {conversation, sequence, time, repeated}; errors AHEAD (time would run over a second before the clock), FULL,
-- QUEUE (the outbox is full).
local now = tonumber(ARGV[3])
local identity = ARGV[4]
local period = tonumber(ARGV[9])
local conversation = redis.call('HGET', prefix .. 'n', identity)
local meta
local head, last, ordinal, large = 0, 0, 0, false
if conversation then
  meta = prefix .. 'c:' .. conversation
  local fields = redis.call('HMGET', meta, 'h', 't', 'o', 'l')
  head = tonumber(fields[1] or '0')
  last = tonumber(fields[2] or '0')
  ordinal = tonumber(fields[3] or '0')
  large = fields[4]
  -- Rows are filed by the message's time, which never runs backwards as the callers' clocks may.
  local first = first_result(ARGV[8], period, math.max(now, last), conversation .. ':' .. ARGV[6] .. ':' .. ARGV[7])
  if first then
    local sequence, time = struct.unpack('>I4I6', first)
    return {tonumber(conversation), sequence, time, 1}
  end
end
local time = last < now and now or last + 1
if time > now + 1000 then return redis.error_reply('-AHEAD refused') end
if head >= 536870911 then return redis.error_reply('-FULL refused') end -- 2^29 - 1
local bound = tonumber(ARGV[14])
-- One outbox a partition for all tenants: whoever consumes it follows a fixed number of streams.
local outbox = string.match(base, '^cg{[^}]*}') .. ':outbox'
if bound > 0 and redis.call('XLEN', outbox) >= bound then return redis.error_reply('-QUEUE refused') end

if not conversation then
  conversation = conversation_of(identity, ARGV[5])
  if not conversation then return redis.error_reply('-FULL refused') end
  meta = prefix .. 'c:' .. conversation
end
local sequence = head + 1
if ARGV[12] == '1' then ordinal = ordinal + 1 end
redis.call('HSET', prefix .. 'l:' .. conversation .. ':' .. math.floor(sequence / 4096), sequence,
  struct.pack('>I6I4BI2', time, ordinal, tonumber(ARGV[10]), tonumber(ARGV[11])) .. ARGV[15])
-- `s` is the newest that touches lists.
local newest = ARGV[13] == '1' and {'s', sequence} or {}
redis.call('HSET', meta, 'h', sequence, 't', string.format('%.0f', time), 'o', ordinal, unpack(newest))
if ARGV[13] == '1' then
  if #ARGV > 15 then
    for index = 16, #ARGV do redis.call('ZADD', prefix .. 'x:' .. ARGV[index], time, conversation) end
  else
    if not large then
      for _, member in ipairs(redis.call('SMEMBERS', prefix .. 'a:' .. conversation)) do
        redis.call('ZADD', prefix .. 'x:' .. member, time, conversation)
      end
    end
    -- Who never was a member is shown the own messages, so the row says when the last one was.
    if redis.call('HEXISTS', prefix .. 'm:' .. conversation, ARGV[6]) == 0 then
      redis.call('ZADD', prefix .. 'x:' .. ARGV[6], time, conversation)
    end
  end
end
if bound > 0 then
  local tenant = string.match(base, '}(.*)$')
  redis.call('XADD', outbox, '*', 't', tenant, 'g', ARGV[2], 'c', conversation, 's', sequence, 'k', ARGV[10])
end
keep_result(ARGV[8], period, time, conversation .. ':' .. ARGV[6] .. ':' .. ARGV[7],
  struct.pack('>I4I6', sequence, time))
return {tonumber(conversation), sequence, time, 0}
