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

-- Notes the numbers of a direct conversation's users in the order of its identity; `users` are those known so far. A name that
-- was erased and came back is another user, who inherits nothing.
local function note_pair(conversation, users, one, two, head)
  if not one or users == one .. ' ' .. two then return end
  local state = prefix .. 'v:' .. conversation
  for user in string.gmatch(users and one .. ' ' .. two or '', '%d+') do
    if not string.find(' ' .. users .. ' ', ' ' .. user .. ' ', 1, true) then redis.call('HSET', state, 'f' .. user, head) end
  end
  for user in string.gmatch(users or '', '%d+') do redis.call('HSETNX', state, 'o' .. user, 1) end
  redis.call('HSET', prefix .. 'c:' .. conversation, 'u', one .. ' ' .. two)
  if users then redis.call('HDEL', prefix .. 'c:' .. conversation, 'f', 'q') end
end
