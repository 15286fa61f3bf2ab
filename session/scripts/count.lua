-- count.lua: how many have not expired.
--
-- KEYS[1] a zset by expiry
-- ARGV[1] ahead

return redis.call('ZCOUNT', KEYS[1], '(' .. clock(ARGV[1]), '+inf')
