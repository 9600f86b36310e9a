-- Shared by the scripts of files. What holds for all tenants of this partition: until when each file whose bytes may have to be
-- deleted stays as it is, and the files whose bytes are to be deleted now. A file is TENANT:GENERATION:ID there.
local tag = string.match(KEYS[1], '^cg{[^}]*}')
local pending, doomed = tag .. ':files', tag .. ':files:doomed'

-- Ends a file of the generation that `prefix` names: its record goes, and whoever deletes bytes finds it.
local function end_file(prefix, id)
  local packed = redis.call('HGET', prefix .. 'fi', id)
  if packed then
    local owner = cmsgpack.unpack(packed)[3]
    if type(owner) == 'table' then redis.call('ZREM', prefix .. 'fo', string.format('%.0f:%s', owner.number, id)) end
    redis.call('HDEL', prefix .. 'fi', id)
  end
  local file = string.sub(prefix, #tag + 1) .. id
  redis.call('ZREM', pending, file)
  redis.call('ZADD', doomed, 0, file)
end
