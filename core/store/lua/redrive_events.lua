-- Queues given-up entries anew. ARGV: 1 bound of the outbox, 2… ids among the dead. Returns how many.
local count = 0
for index = 2, #ARGV do
  local entry = redis.call('XRANGE', dead, ARGV[index], ARGV[index])[1]
  if entry and redis.call('XLEN', outbox) < tonumber(ARGV[1]) then
    local fields = {}
    for at = 1, #entry[2], 2 do
      local name = entry[2][at]
      if name ~= 'e' and name ~= 'n' and name ~= 'r' then
        fields[#fields + 1] = name
        fields[#fields + 1] = entry[2][at + 1]
      end
    end
    redis.call('XADD', outbox, '*', unpack(fields))
    redis.call('XDEL', dead, ARGV[index])
    count = count + 1
  end
end
return count
