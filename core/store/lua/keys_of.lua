-- The names of a conversation's keys, from what it knows of itself: so nobody has to search for them.

-- Those of one user, but for the bitmaps.
local function keys_of_user(conversation, user)
  local place = conversation .. ':' .. user
  return {prefix .. 't:' .. place, prefix .. 'w:' .. place, prefix .. 'rs:' .. place, prefix .. 'ds:' .. place}
end

-- The bitmaps of what is hidden from a user, of chunks `first` to `last` of a lane (`letter` as in the key).
local function add_bitmaps(keys, conversation, user, letter, first, last)
  for chunk = first, last do
    local place = conversation .. ':' .. letter .. chunk .. ':' .. user
    keys[#keys + 1] = prefix .. 'h:' .. place
    keys[#keys + 1] = prefix .. 'hc:' .. place
  end
end

local function add_chunks(keys, conversation, letter, first, last)
  for chunk = first, last do keys[#keys + 1] = prefix .. letter .. ':' .. conversation .. ':' .. chunk end
end

-- What a group keeps beside its members.
local function add_group_keys(keys, conversation)
  for _, letter in ipairs({'a', 'b', 'm', 'w', 'p', 'u', 'k'}) do keys[#keys + 1] = prefix .. 'g' .. letter .. ':' .. conversation end
end

-- The keys in which a user's lists have their rows.
local function lists_of(user)
  local keys = {}
  for _, name in ipairs({'x:', 'xa:', 'xh:', 'xc:', 'y:', 'ug:', 'ur:'}) do keys[#keys + 1] = prefix .. name .. user end
  return keys
end

-- What a user has in the partition of the name: lists of others, whole and by state, and the bin. A backup tells hashes from sorted
-- sets by the length of the names.
local function relations_of(user)
  local keys = {prefix .. 'bin:' .. user}
  for _, list in ipairs({'ec', 'eb', 'eo'}) do
    for _, state in ipairs({'', 'a', 's', 'r', 'e', 'n'}) do keys[#keys + 1] = prefix .. list .. state .. ':' .. user end
  end
  return keys
end

local function chunk_of(sequence)
  return math.floor(tonumber(sequence or '0') / 4096)
end

local function unlink(keys)
  for first = 1, #keys, 1000 do redis.call('UNLINK', unpack(keys, first, math.min(first + 999, #keys))) end
  return #keys
end
