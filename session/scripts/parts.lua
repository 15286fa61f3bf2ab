-- parts.lua: read the listed parts.
--
-- Answers: ok, parts

only_master()
return {'ok', redis.call('LRANGE', KEYS[2], 0, -1)}
