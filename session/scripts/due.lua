-- due.lua: claim sessions whose deadline has passed. It has no prelude.
--
-- KEYS[1] deadlines (zset)
-- ARGV[1] now   ARGV[2] when they are due again   ARGV[3] at most so many
--
-- Answers: their ids

local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  -- Out and in again: a bare ZADD is refused when Redis is out of memory, and
  -- the sweeper is who ends that.
  redis.call('ZREM', KEYS[1], id)
  redis.call('ZADD', KEYS[1], ARGV[2], id)
end
return ids
