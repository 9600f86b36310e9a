-- Writes a piece of a key from a backup; writing it again changes nothing. KEYS[1] is the key. ARGV: 1 type (h hash, z zset,
-- s set, l list, v string, x stream, d fields to be removed from a hash), 2 time to live (ms; 0: for ever), 3 how many elements of
-- a list come before, 4… content.
local kind, content = ARGV[1], {unpack(ARGV, 4)}
if kind == 'h' then
  redis.call('HSET', KEYS[1], unpack(content))
elseif kind == 'd' then
  redis.call('HDEL', KEYS[1], unpack(content))
elseif kind == 's' then
  redis.call('SADD', KEYS[1], unpack(content))
elseif kind == 'v' then
  redis.call('SET', KEYS[1], content[1])
elseif kind == 'z' then
  for index = 1, #content, 2 do redis.call('ZADD', KEYS[1], content[index + 1], content[index]) end
elseif kind == 'l' then
  if redis.call('LLEN', KEYS[1]) == tonumber(ARGV[3]) then redis.call('RPUSH', KEYS[1], unpack(content)) end
elseif redis.call('EXISTS', KEYS[1]) == 0 or #redis.call('XRANGE', KEYS[1], content[1], content[1]) == 0 then
  redis.call('XADD', KEYS[1], unpack(content))
end
if ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[2], 'NX') end
return 1
