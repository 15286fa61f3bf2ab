-- parts.lua: read the listed parts, and the record that says how many bytes they
-- have.
--
-- Answers: ok, record, parts | ok: there is no record

local r, flat = record()
if not r.state then return {'ok'} end
touch(r)
return {'ok', flat, redis.call('LRANGE', KEYS[2], 0, -1)}
