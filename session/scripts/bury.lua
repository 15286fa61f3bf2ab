-- bury.lua: take a session to its end and answer what is to be cleaned up.
--
-- ARGV[1] ahead   ARGV[2] owner, or '' for the sweeper
--
-- An owner buries what lives, the sweeper what has expired; neither a commit
-- whose runner is alive. Of a takeover that never reported, its predecessor's
-- commit is answered: only that one can have left anything.
-- Answers: ok, record as it was | notfound | busy

local sweeper, now = ARGV[2] == '', clock(ARGV[1])
local r, flat = record()
if not r.state or not sweeper and r.owner ~= ARGV[2] then return {'notfound'} end
if r.state == 'gone' then
  touch(r)
  return {'ok', flat}
end
local expired = past(r.expires, now)
if expired and not sweeper then return {'notfound'} end
if sweeper and not expired then return {'busy'} end
if r.state == 'committing' and not past(r.lease, now) then return {'busy'} end
-- Deleting comes first, as in advance.lua: burying is what frees memory.
redis.call('HDEL', KEYS[1], 'wins')
if r.former_terms then
  redis.call('HSET', KEYS[1], 'terms', r.former_terms, 'destination', r.former_destination)
  forget_former()
end
r, flat = record()
redis.call('HSET', KEYS[1], 'state', 'gone')
return {'ok', flat}
