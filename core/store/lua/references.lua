-- Rows that recognise a repeated write: reference -> first result, in hashes that take turns by time (ms).
local function first_result(class, period, time, reference)
  local turn = math.floor(time / period)
  local rows = prefix .. 'r' .. class
  return redis.call('HGET', rows .. turn, reference) or redis.call('HGET', rows .. (turn - 1), reference)
end

local function keep_result(class, period, time, reference, result)
  local rows = prefix .. 'r' .. class .. math.floor(time / period)
  redis.call('HSET', rows, reference, result)
  redis.call('PEXPIRE', rows, 2 * period, 'NX')
end
