-- open.lua: store a new session, or find the same one stored already.
--
-- ARGV[1] ahead   ARGV[2] owner   ARGV[3] its life   ARGV[4] how much longer the keys stay
-- ARGV[5] part numbers wanted     ARGV[6] 1 when Redis may forget, else 0
-- ARGV[7…] fields and values of the record
--
-- A repeat draws again: whoever drew first may have got the answer after all.
-- Answers: ok, first number, epoch, record | notfound: somebody else's

local r, flat = record()
local now = clock(ARGV[1])
if r.state then
  if not lives(r, now) or r.owner ~= ARGV[2] then return {'notfound'} end
  return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[5]) - ARGV[5], r.epoch or '', flat}
end
local present = ARGV[6] == '1' and replication() or ''
local expires = after(now, ARGV[3])
redis.call('HSET', KEYS[1], 'owner', ARGV[2], 'created', now, 'expires', expires, 'until', after(expires, ARGV[4]),
  'born', present, 'epoch', present, unpack(ARGV, 7))
if present ~= '' then settle({born = present, epoch = present, offset = '0'}, present, now) end
r, flat = record()
touch(r)
return {'ok', 1, present, flat}
