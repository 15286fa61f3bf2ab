-- renew.lua: note that a client has proven the record whole in an epoch, and draw
-- part numbers above those that may be in use (begin.lua).
--
-- ARGV[1] ahead   ARGV[2] epoch   ARGV[3] the least number   ARGV[4] part numbers wanted
--
-- Answers: ok, first number, epoch | notfound | completed | busy | forgotten

local r = record()
local now = clock(ARGV[1])
if not lives(r, now) then return {'notfound'} end
local word = closed(r)
if word then return {word} end
local present, known = memory(r, now)
if present ~= ARGV[2] then return {'forgotten'} end
if not known then settle(r, present, now) end
if tonumber(r.next) < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'next', ARGV[3])
end
return {'ok', redis.call('HINCRBY', KEYS[1], 'next', ARGV[4]) - ARGV[4], present}
