-- A newer version than the partition's is adopted, so that callers with an older one are refused from here on, also when
-- whoever changed the tenant died before it had told every partition.
if given > known then redis.call('SET', base, ARGV[1]) end
