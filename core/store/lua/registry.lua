-- Adds, replaces or removes a tenant in the registry. KEYS[1] is the registry (number -> packed tenant), whose name the
-- other keys begin with. ARGV: 1 number, 2 the packed tenant as read (empty: it must be new), 3 the new one (empty: remove),
-- 4 name, 5 how many applications it gains, then those, then the ones it loses.
-- Returns 1, or 0 when the tenant is not what the caller read, or its name is taken.
local registry = KEYS[1]
local present = redis.call('HGET', registry, ARGV[1])
present = present or ''
-- A repeat after a lost answer finds its own work.
if present == ARGV[3] then return 1 end
if present ~= ARGV[2] then return 0 end
local owner = redis.call('HGET', registry .. ':names', ARGV[4])
if owner and owner ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', registry, ARGV[1])
  redis.call('HDEL', registry .. ':names', ARGV[4])
else
  redis.call('HSET', registry, ARGV[1], ARGV[3])
  redis.call('HSET', registry .. ':names', ARGV[4], ARGV[1])
end
local gained = tonumber(ARGV[5])
for index = 6, #ARGV do
  local command = index <= 5 + gained and 'SADD' or 'SREM'
  redis.call(command, registry .. ':owners:' .. ARGV[index], ARGV[1])
end
return 1
