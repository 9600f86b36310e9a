-- Stands before every script. KEYS[1] is the tenant's version row in this partition and the prefix of all keys that a
-- script derives, so they share its hash tag. ARGV[1] is the version of the tenant that the caller knows, ARGV[2] its
-- generation. What each key holds stands in keys.py; 4096 is a chunk of the log, 2^22 and 2^29 are the bits of ids.py.
local base = KEYS[1]
local known = tonumber(redis.call('GET', base) or '0')
local given = tonumber(ARGV[1])
if given < known then return redis.error_reply('-STALE refused') end
local prefix = base .. ':' .. ARGV[2] .. ':'
-- Flags of a record, as in model/message.py.
local DELETED, RESTRICTED, ONLINE_ONLY, COUNTED, EDITED = 1, 2, 4, 8, 16
-- What limits sends, as bits so that an ordinary append looks at one field: in a group (the last only says that attributes go
-- with who set them), and between the two users of a direct conversation, in the order of its identity.
local DISABLED, ALL_MUTED, SOME_MUTED, SOME_BLOCKED, ENDED, ATTRIBUTES_LEAVE = 1, 2, 4, 8, 16, 32
local FIRST_BLOCKS, SECOND_BLOCKS = 64, 128
