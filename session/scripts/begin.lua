-- begin.lua: open an attempt to append and draw part numbers for it.
--
-- ARGV[1] now   ARGV[2] owner   ARGV[3] offset, -1 for any
-- ARGV[4] part numbers wanted
--
-- Answers: ok, first number, record | notfound | completed | busy
--          offset, expires, offset now

local r, flat = record()
if not lives(r, ARGV[1]) or r.owner ~= ARGV[2] then return {'notfound'} end
local word = closed(r)
if word then return {word} end
if ARGV[3] ~= '-1' and ARGV[3] ~= r.offset then
  return {'offset', r.expires, r.offset}
end
return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[4]) - ARGV[4], flat}
