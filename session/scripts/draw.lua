-- draw.lua: take further part numbers.
--
-- ARGV[1] ahead   ARGV[2] part numbers wanted
--
-- Answers: ok, first number | notfound

local r = record()
if not lives(r, clock(ARGV[1])) then return {'notfound'} end
return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[2]) - ARGV[2]}
