-- What a backup takes of conversations.

-- Records after a sequence, up to 500 or about a megabyte; with them what says whom those for some are for.
local function records_after(conversation, sign, sequence, last)
  local rows, audiences, looked, bytes = {}, {}, 0, 0
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
        if bit.band(string.byte(record, 13), 2) ~= 0 then
          local place = string.format('%.0f', sign * wanted[index])
          local row = redis.call('HGET', prefix .. 'j:' .. conversation, place)
          if row then
            audiences[#audiences + 1] = place
            audiences[#audiences + 1] = row
          end
        end
      end
    end
  end
  return sequence, rows, audiences
end
