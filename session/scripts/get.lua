-- get.lua: read the record.
--
-- ARGV[1] ahead   ARGV[2] owner
--
-- It is touched, as by every script that tells an offset: WAIT counts the
-- replicas that hold the last write of its connection (replicas.go).
-- Answers: ok, record | notfound

local r, flat = record()
if not lives(r, clock(ARGV[1])) or r.owner ~= ARGV[2] then return {'notfound'} end
touch(r)
return {'ok', flat}
