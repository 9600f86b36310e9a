-- Messages that one user does not see: deleted for this user, or sent to all but this user.

-- The part of a key that names a chunk, and the bit in it. Sequences of the backfill lane are negative.
local function bit_of(sequence)
  if sequence < 0 then
    return 'b' .. math.floor(-sequence / 4096), -sequence % 4096
  end
  return math.floor(sequence / 4096), sequence % 4096
end

local function is_set(bits, place)
  local byte = string.byte(bits, math.floor(place / 8) + 1) or 0
  return bit.band(byte, bit.rshift(128, place % 8)) ~= 0
end

-- `subtracts`: the message would be counted as unread otherwise.
local function hide(conversation, sequence, user, subtracts)
  local chunk, place = bit_of(sequence)
  local key = conversation .. ':' .. chunk .. ':' .. user
  if redis.call('SETBIT', prefix .. 'h:' .. key, place, 1) == 0 then
    redis.call('SADD', prefix .. 'hu:' .. conversation, user)
    redis.call('HSET', prefix .. 'v:' .. conversation, 'e' .. user, 1)
  end
  if subtracts then redis.call('SETBIT', prefix .. 'hc:' .. key, place, 1) end
end
