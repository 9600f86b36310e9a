-- Has nothing erased for a while, also on a full server: a backup is made. KEYS[1] says so. ARGV: 1 for how long (ms).
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
return 1
