-- due.lua: claim sessions whose deadline has passed.
--
-- KEYS[1] deadlines (zset)
-- ARGV[1] ahead   ARGV[2] how long ago at least   ARGV[3] how long until they are due again
-- ARGV[4] at most so many
--
-- Answers: their ids

local by = after(clock(ARGV[1]), -ARGV[2])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', by, 'LIMIT', 0, ARGV[4])
for _, id in ipairs(ids) do
  -- Out and in again: a bare ZADD is refused when Redis is out of memory, and
  -- the sweeper is who ends that.
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZADD', KEYS[1], after(by, ARGV[3]), id)
end
return ids
