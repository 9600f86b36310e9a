-- Notes that the bytes of a file are about to be written. ARGV: 3 id, 4 time (ms) after which they are deleted if they belong to
-- no file by then.
redis.call('ZADD', pending, ARGV[4], string.sub(prefix, #tag + 1) .. ARGV[3])
return 1
