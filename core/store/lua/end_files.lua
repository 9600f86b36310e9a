-- Ends what is over in this partition, of all tenants: files some time after they have expired (until then they are known, without
-- bytes), and bytes that never became a file. ARGV: 1 now (ms), 2 how long an expired file stays known (ms), 3 how many at most.
-- Returns files whose bytes are to be deleted, some of them perhaps not for the first time.
local now, known = tonumber(ARGV[1]), tonumber(ARGV[2])
for _, file in ipairs(redis.call('ZRANGE', pending, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])) do
  local generation, id = string.match(file, '^(%d+:%d+:)(.*)$')
  local packed = redis.call('HGET', tag .. generation .. 'fi', id)
  local expires = packed and tonumber(cmsgpack.unpack(packed)[2])
  if expires and now < expires + known then
    redis.call('ZADD', pending, string.format('%.0f', expires + known), file)
    redis.call('ZADD', doomed, 0, file)
  else
    end_file(tag .. generation, id)
  end
end
return redis.call('ZRANGE', doomed, 0, tonumber(ARGV[3]) - 1)
