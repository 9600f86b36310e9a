-- Why a group takes no message of a sender; nothing when it does. `limits` are those of prelude.lua; `check` is empty (none of the
-- sender), `m` for a user who has to be a member, another one for a user. 1 deleted, 2 disabled, 3 no member, 4 blocked, 5 muted,
-- 6 all are muted and the sender is none of those who are not.
local function why_refused(conversation, limits, sender, check, now)
  if bit.band(limits, ENDED) ~= 0 then return 1 end
  if bit.band(limits, DISABLED) ~= 0 then return 2 end
  if check == '' then return nil end
  if check == 'm' and not (conversation and redis.call('ZSCORE', prefix .. 'a:' .. conversation, sender)) then return 3 end
  if bit.band(limits, SOME_BLOCKED) ~= 0 and redis.call('HEXISTS', prefix .. 'gb:' .. conversation, sender) == 1 then return 4 end
  local mute = bit.band(limits, SOME_MUTED) ~= 0 and redis.call('HGET', prefix .. 'gm:' .. conversation, sender)
  if mute then
    local till = cmsgpack.unpack(mute)[2]
    if till < 0 or till > now then return 5 end
  end
  if bit.band(limits, ALL_MUTED) ~= 0 and redis.call('HGET', prefix .. 'c:' .. conversation, 'p') ~= sender
    and redis.call('HEXISTS', prefix .. 'ga:' .. conversation, sender) == 0
    and redis.call('HEXISTS', prefix .. 'gw:' .. conversation, sender) == 0 then
    return 6
  end
end
