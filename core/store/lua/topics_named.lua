-- The topics that are called so, in whatever conversation. ARGV: 3 alias, 4 number in ten digits to go on after, 5 how many.
-- Returns their numbers in order. Where creating one was broken off, there is none of that number.
local result, start = {}, #ARGV[3] + 2
for _, name in ipairs(redis.call('ZRANGE', prefix .. 'tn', '(' .. ARGV[3] .. '\0' .. ARGV[4], '(' .. ARGV[3] .. '\1', 'BYLEX',
  'LIMIT', 0, ARGV[5])) do
  result[#result + 1] = tonumber(string.sub(name, start))
end
return result
