-- draw.lua: take further part numbers.
--
-- ARGV[1] now   ARGV[2] part numbers wanted
--
-- Answers: ok, first number | notfound

local r = record()
if not lives(r, ARGV[1]) then return {'notfound'} end
return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[2]) - ARGV[2]}
