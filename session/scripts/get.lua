-- get.lua: read the record.
--
-- It is touched, as by every script that tells an offset: WAIT counts the
-- replicas that hold the last write of its connection (replicas.go).
-- Answers: ok, record | notfound

local r, flat = record()
if not r.state then return {'notfound'} end
touch(r)
return {'ok', flat}
