-- Removes due rows, done or no longer wanted. ARGV: 3… ids. Returns for each how often it was tried, -1 for none.
local result = {}
for index = 3, #ARGV do
  local id = ARGV[index]
  local value = redis.call('HGET', values, id)
  local tries = -1
  if value then
    tries = select(2, read_row(value))
    redis.call('ZREM', due, id)
    redis.call('ZREM', failed, id)
    redis.call('HDEL', values, id)
  end
  result[#result + 1] = tries
end
note_earliest()
return result
