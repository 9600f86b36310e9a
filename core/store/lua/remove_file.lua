-- Ends a file. ARGV: 3 id. Returns 0 when there is none.
if redis.call('HEXISTS', prefix .. 'fi', ARGV[3]) == 0 then return 0 end
end_file(prefix, ARGV[3])
return 1
