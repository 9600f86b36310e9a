-- Adds, replaces or removes a tenant in the registry. KEYS[1] is the registry (number -> packed tenant), whose name the
-- other keys begin with. ARGV: 1 number, 2 the packed tenant as read (empty: it must be new), 3 the new one (empty: remove),
-- 4 name, 5 the generation that ends with it (empty: none), 6 the version from which on its writers are refused, 7 how many
-- applications and dialects it gains, then those, then the ones it loses. A generation that ends is noted, so that its keys
-- are reclaimed.
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
if ARGV[5] ~= '' then redis.call('HSET', registry .. ':retired', ARGV[1] .. ':' .. ARGV[5], ARGV[6] .. ' 0') end
local gained = tonumber(ARGV[7])
for index = 8, #ARGV do
  local command = index <= 7 + gained and 'SADD' or 'SREM'
  redis.call(command, registry .. ':owners:' .. ARGV[index], ARGV[1])
end
return 1
