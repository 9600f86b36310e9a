-- Creates the conversation of an identity when there is none. Local numbers count from 1 within a bucket; the number
-- carries the bucket in its upper bits. Returns the number as text, or nothing when the bucket is full.
local function conversation_of(identity, bucket)
  local conversation = redis.call('HGET', prefix .. 'n', identity)
  if conversation then return conversation end
  local number = tonumber(redis.call('HGET', prefix .. 'k', bucket) or '0') + 1
  if number >= 4194304 then return nil end -- 2^22
  redis.call('HSET', prefix .. 'k', bucket, number)
  conversation = string.format('%.0f', tonumber(bucket) * 4194304 + number)
  redis.call('HSET', prefix .. 'n', identity, conversation)
  redis.call('HSET', prefix .. 'c:' .. conversation, 'i', identity)
  return conversation
end
