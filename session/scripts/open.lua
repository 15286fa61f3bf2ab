-- open.lua: store a new session, or find the same one stored already.
--
-- ARGV[1] owner   ARGV[2] created   ARGV[3] part numbers wanted
-- ARGV[4] when the keys vanish      ARGV[5] 1 when Redis may forget, else 0
-- ARGV[6…] fields and values of the record
--
-- A repeat draws again: whoever drew first may have got the answer after all.
-- Answers: ok, first number, epoch | exists

local r = record()
if r.state then
  if r.owner ~= ARGV[1] or r.created ~= ARGV[2] then return {'exists'} end
  return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[3]) - ARGV[3], r.epoch or ''}
end
local now = ARGV[5] == '1' and epoch() or ''
redis.call('HSET', KEYS[1], 'born', now, 'epoch', now, unpack(ARGV, 6))
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return {'ok', 1, now}
