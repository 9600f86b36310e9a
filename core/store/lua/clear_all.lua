-- Clears a conversation for everybody: nothing of what is there now is left, but for members, groups and topics. The first call
-- clears it; the others tidy up what users had of it, some at a time.
-- ARGV: 3 identity, 4 mask of the kinds that lists show, 5 and 6 stage and cursor (`log` and 0 at first), 7 and 8 where the dropped
-- part ended before, and the time of the oldest message that is kept (ms), as the call before returned them, 9 now (ms), 10
-- station (may be empty).
-- Returns {conversation, stage, cursor, before, time}; the stage is `links` at the end, where foreign ids have to go. {0} for an
-- unknown conversation.
local mask, stage, cursor, before, time = tonumber(ARGV[4]), ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])
local conversation = redis.call('HGET', prefix .. 'n', ARGV[3])
if not conversation then return {0} end
local meta = meta_of(conversation)

local function clear_log()
  before = meta.dropped
  time = tonumber(redis.call('HGET', prefix .. 'c:' .. conversation, 't') or '0') + 1
  redis.call('HSET', prefix .. 'c:' .. conversation, 'd', meta.head, 'e', meta.ordinal)
  redis.call('HINCRBY', prefix .. 'c:' .. conversation, 'c', 1)
  if ARGV[9] ~= '0' then
    for user in string.gmatch(meta.users or '', '%d+') do note_change('e', conversation, user, ARGV[10], ARGV[9]) end
    for _, user in ipairs(redis.call('ZRANGE', prefix .. 'a:' .. conversation, 0, 99)) do
      note_change('e', conversation, user, ARGV[10], ARGV[9])
    end
  end
  local state, own = prefix .. 'v:' .. conversation, {}
  for _, field in ipairs(redis.call('HKEYS', state)) do
    if string.byte(field) == 107 then own[#own + 1] = field end -- k
  end
  for first = 1, #own, 500 do redis.call('HDEL', state, unpack(own, first, math.min(first + 499, #own))) end
  local keys = {}
  add_chunks(keys, conversation, 'l', chunk_of(before + 1), chunk_of(meta.head))
  add_chunks(keys, conversation, 'b', 0, chunk_of(meta.backfill))
  for _, name in ipairs({'bt', 'be', 'j', 't', 'tv', 'rl'}) do keys[#keys + 1] = prefix .. name .. ':' .. conversation end
  unlink(keys)
end

if stage == 'log' then
  clear_log()
  stage, cursor = 'topics', '0'
elseif stage == 'topics' then
  cursor = drop_topics(conversation, cursor, time)
  if cursor == '0' then stage = 'members' end
elseif stage == 'members' then
  if cursor == '0' then
    for user in string.gmatch(meta.users or '', '%d+') do drop_for(conversation, meta, user, before, time, mask) end
  end
  cursor = drop_for_some(conversation, meta, prefix .. 'm:' .. conversation, cursor, before, time, mask)
  if cursor == '0' then stage = 'states' end
else
  cursor = drop_for_some(conversation, meta, prefix .. 'v:' .. conversation, cursor, before, time, mask)
  if cursor == '0' then stage = 'links' end
end
return {tonumber(conversation), stage, cursor, string.format('%.0f', before), string.format('%.0f', time)}
