-- begin.lua: open an attempt to append and draw part numbers for it.
--
-- ARGV[1] ahead   ARGV[2] owner   ARGV[3] offset, -1 for any
-- ARGV[4] part numbers wanted
--
-- After a failover the record may lack what was accepted last. A client that
-- stands where the record stands proves that it does not. One that is ahead was
-- told an offset that is forgotten: a lower one would make it leave a gap.
-- Answers: ok, first number, epoch, record | notfound | completed | busy | lost
--          offset, expires, offset now

-- skipped is how many numbers are passed over after a failover: the former
-- master drew some that are not known here, and they may still be in use.
local skipped = 64

local r, flat = record()
if not lives(r, clock(ARGV[1])) or r.owner ~= ARGV[2] then return {'notfound'} end
local word = closed(r)
if word then return {word} end
local present = memory(r)
local doubtful = present ~= (r.epoch or '')
if ARGV[3] == '-1' then
  if doubtful then return {'lost'} end
elseif ARGV[3] ~= r.offset then
  if present ~= (r.born or '') and tonumber(ARGV[3]) > tonumber(r.offset) then return {'lost'} end
  touch(r)
  return {'offset', r.expires, r.offset}
end
if doubtful then
  redis.call('HINCRBY', KEYS[1], 'next', skipped)
  redis.call('HSET', KEYS[1], 'epoch', present)
end
return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[4]) - ARGV[4], present, flat}
