-- Clears a conversation for one user: nothing of what is there now is shown or unread any more.
-- ARGV: 3 identity, 4 user's number. Returns 1; 0 for an unknown conversation.
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return 0 end
local head = redis.call('HGET', prefix .. 'c:' .. conversation, 'h') or 0
redis.call('HSET', prefix .. 'v:' .. conversation, 'f' .. ARGV[4], head, 'i' .. ARGV[4], head)
redis.call('HDEL', prefix .. 'v:' .. conversation, 'k' .. ARGV[4])
place_row(conversation, ARGV[4], nil)
return 1
