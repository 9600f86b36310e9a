-- Stands before scripts that work on a generation that has ended: no view of the tenant is too old for that. KEYS and ARGV as
-- in prelude.lua. The version is that which ended the generation, so from here on nobody writes into it.
local base = KEYS[1]
if tonumber(redis.call('GET', base) or '0') < tonumber(ARGV[1]) then redis.call('SET', base, ARGV[1]) end
local prefix = base .. ':' .. ARGV[2] .. ':'
