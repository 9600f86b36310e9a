-- What is shown of a user beside messages. ARGV: 3 id, 4 number. Returns packed profile and packed presence.
return {redis.call('HGET', prefix .. 'p', ARGV[3]), redis.call('HGET', prefix .. 'pr', ARGV[4])}
