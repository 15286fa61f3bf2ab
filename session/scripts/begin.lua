-- begin.lua: open an attempt to append and draw part numbers for it.
--
-- ARGV[1] ahead   ARGV[2] owner   ARGV[3] offset, -1 for any
-- ARGV[4] part numbers wanted
--
-- After a failover the record may lack what was accepted last. A client that
-- stands where the record stands proves that it does not. One that is ahead was
-- told an offset that is forgotten: a lower one would make it leave a gap.
-- The former master may also have drawn numbers that are not known here: where
-- they can be in use none is drawn, and the first number is 0 (renew.lua).
-- Answers: ok, first number, epoch, record | notfound | completed | busy | lost
--          damaged | offset, expires, offset now

local r, flat = record()
local now = clock(ARGV[1])
if not lives(r, now) or r.owner ~= ARGV[2] then return {'notfound'} end
local word = closed(r)
if word then return {word} end
if redis.call('LLEN', KEYS[2]) < tonumber(r.listed or '0') then return {'damaged'} end
local present, known = memory(r, now)
local doubtful = not known
if ARGV[3] == '-1' then
  if doubtful then return {'lost'} end
elseif ARGV[3] ~= r.offset then
  touch(r)
  if present ~= (r.born or '') and tonumber(ARGV[3]) > tonumber(r.offset) then return {'lost'} end
  return {'offset', r.expires, r.offset}
end
if doubtful and r.upload ~= '' then
  touch(r)
  return {'ok', 0, present, flat}
end
if doubtful then settle(r, present, now) end
return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[4]) - ARGV[4], present, flat}
