-- deadline.lua: note when an upload that is being opened expires. A repeat
-- changes nothing.
--
-- KEYS[1] a zset by expiry
-- ARGV[1] ahead   ARGV[2] its life   ARGV[3] id

return redis.call('ZADD', KEYS[1], 'NX', after(clock(ARGV[1]), ARGV[2]), ARGV[3])
