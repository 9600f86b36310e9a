-- What a backup takes of conversations.

local function new_set()
  return {}, function(set, user)
    if not set[user] then
      set[user] = true
      set[#set + 1] = user
    end
  end
end

-- Records after a sequence, up to 500 or about a megabyte; with them what says whom those for some are for, and the users whose
-- rows they have changed: who sent, who was addressed or left out.
local function records_after(conversation, sign, sequence, last)
  local rows, audiences, looked, bytes = {}, {}, 0, 0
  local users, add = new_set()
  while sequence < last and looked < 500 and bytes < 1048576 do
    local chunk, wanted = math.floor((sequence + 1) / 4096), {}
    local batch = batch_at(key_of(conversation, sign * (sequence + 1)), sequence + 1)
    while #wanted < batch and sequence < last and math.floor((sequence + 1) / 4096) == chunk do
      sequence = sequence + 1
      wanted[#wanted + 1] = sequence
    end
    looked = looked + #wanted
    for index, record in ipairs(redis.call('HMGET', key_of(conversation, sign * wanted[1]), unpack(wanted))) do
      if record then
        rows[#rows + 1] = wanted[index]
        rows[#rows + 1] = record
        bytes = bytes + #record
        add(users, string.format('%.0f', (struct.unpack('>I6', record, 14))))
        if bit.band(string.byte(record, 13), RESTRICTED) ~= 0 then
          local place = string.format('%.0f', sign * wanted[index])
          local row = redis.call('HGET', prefix .. 'j:' .. conversation, place)
          if row then
            audiences[#audiences + 1] = place
            audiences[#audiences + 1] = row
            local addressees, _, left_out = unpack(cmsgpack.unpack(row), 1, 3)
            for _, some in ipairs({addressees or {}, left_out or {}}) do
              for _, user in ipairs(some) do add(users, string.format('%.0f', user)) end
            end
          end
        end
      end
    end
  end
  return sequence, rows, audiences, users
end
