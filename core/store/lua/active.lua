-- Conversations of this partition to which something was sent in one of some hours. ARGV: 3… hours since the epoch.
-- Returns conversation and identity of each, unordered.
local feeds = {}
for index = 3, #ARGV do feeds[index - 2] = prefix .. 'H:' .. ARGV[index] end
local result = {}
for _, conversation in ipairs(redis.call('SUNION', unpack(feeds))) do
  local identity = redis.call('HGET', prefix .. 'c:' .. conversation, 'i')
  if identity then
    result[#result + 1] = tonumber(conversation)
    result[#result + 1] = identity
  end
end
return result
