-- suspect.lua: count that bytes which the session lists do not seem to be there.
--
-- ARGV[1] ahead   ARGV[2] what was seen   ARGV[3] 1 when it is certain, else 0
-- ARGV[4] the least time between two sightings
--
-- Of a session that is committed nothing is missing.
-- Answers: ok, times seen | notfound

local r = record()
local now = clock(ARGV[1])
if not r.state or r.state == 'gone' or past(r.expires, now) then return {'notfound'} end
if r.state == 'committed' then return {'ok', 0} end
local seen = sightings(r)
if ARGV[3] == '1' then
  seen = enough
elseif seen < enough and (seen == 0 or past(after(r.sighted, ARGV[4]), now)) then
  seen = seen + 1
else
  return {'ok', seen}
end
redis.call('HSET', KEYS[1], 'sightings', seen, 'sighted', now, 'suspicion', ARGV[2])
return {'ok', seen}
