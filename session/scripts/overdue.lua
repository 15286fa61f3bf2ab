-- overdue.lua: how many deadlines have passed.
--
-- KEYS[1] deadlines (zset)
-- ARGV[1] ahead   ARGV[2] how long ago at least

return redis.call('ZCOUNT', KEYS[1], '-inf', after(clock(ARGV[1]), -ARGV[2]))
