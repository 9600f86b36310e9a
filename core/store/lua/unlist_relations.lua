-- Takes somebody out of a user's lists of others. ARGV: 3 user's number, 4 the other's.
for list in string.gmatch('cbo', '%a') do
  local key = prefix .. 'e' .. list
  local packed = redis.call('HGET', key .. ':' .. ARGV[3], ARGV[4])
  if packed then
    redis.call('ZREM', key .. cmsgpack.unpack(packed)[2] .. ':' .. ARGV[3], ARGV[4])
    redis.call('HDEL', key .. ':' .. ARGV[3], ARGV[4])
  end
end
return 1
