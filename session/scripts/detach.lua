-- detach.lua: forget the multipart upload, if no part of it is listed.
--
-- ARGV[1] id
--
-- Answers: ok | parts

local r = record()
if r.upload ~= ARGV[1] then return {'ok'} end
if redis.call('LLEN', KEYS[2]) > 0 then return {'parts'} end
redis.call('HSET', KEYS[1], 'upload', '')
return {'ok'}
