-- claim.lua: count an upload of an owner, unless there are too many.
--
-- KEYS[1] the owner's open uploads, by when they expire
-- ARGV[1] ahead   ARGV[2] id   ARGV[3] its life
-- ARGV[4] how many there may be, this one included; 0: any number
--
-- The key vanishes with the last upload in it. Answers: ok | quota

local open, id, most, now = KEYS[1], ARGV[2], tonumber(ARGV[4]), clock(ARGV[1])
redis.call('ZREMRANGEBYSCORE', open, '-inf', now)
if most > 0 and not redis.call('ZSCORE', open, id) and redis.call('ZCARD', open) >= most then
  return 'quota'
end
redis.call('ZADD', open, after(now, ARGV[3]), id)
redis.call('PEXPIREAT', open, redis.call('ZREVRANGE', open, 0, 0, 'WITHSCORES')[2])
return 'ok'
