-- What happened to a conversation, said to whoever listens and queued for the tenant's consumer. Both are references: the
-- log is the truth.

-- One outbox a partition for all tenants: whoever consumes it follows a fixed number of streams.
local outbox = string.match(base, '^cg{[^}]*}') .. ':outbox'

-- `bound` 0: the tenant has no consumer.
local function outbox_is_full(bound)
  return bound > 0 and redis.call('XLEN', outbox) >= bound
end

-- `one` and `two` are the numbers of a direct conversation's users. A user's channel is that of the number's last 6 bits.
local function tell(what, conversation, sequence, time, identity, one, two, bound)
  local words = what .. ' ' .. conversation .. ' ' .. sequence .. ' ' .. string.format('%.0f', time) .. ' ' .. identity
  if one then
    local first, second = one % 64, two % 64
    redis.call('SPUBLISH', prefix .. '!u' .. first, words)
    if second ~= first then redis.call('SPUBLISH', prefix .. '!u' .. second, words) end
  else
    redis.call('SPUBLISH', prefix .. '!' .. identity, words)
  end
  if bound > 0 then
    redis.call('XADD', outbox, '*', 't', string.match(base, '}(.*)$'), 'g', ARGV[2], 'c', conversation, 's', sequence, 'k', what)
  end
end
