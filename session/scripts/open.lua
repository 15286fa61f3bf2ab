-- open.lua: store a new session, or find the same one stored already.
--
-- ARGV[1] owner   ARGV[2] created   ARGV[3] part numbers wanted
-- ARGV[4] when the keys vanish      ARGV[5…] fields and values of the record
--
-- A repeat draws again: whoever drew first may have got the answer after all.
-- Answers: ok, first number | exists

local r = record()
if r.state then
  if r.owner ~= ARGV[1] or r.created ~= ARGV[2] then return {'exists'} end
  return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[3]) - ARGV[3]}
end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return {'ok', 1}
