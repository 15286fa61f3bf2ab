-- attach.lua: store the id of the multipart upload; the first one stays.
--
-- ARGV[1] ahead   ARGV[2] id
--
-- Answers: ok, id that is stored | notfound

local r = record()
if not lives(r, clock(ARGV[1])) then return {'notfound'} end
if r.upload ~= '' then return {'ok', r.upload} end
redis.call('HSET', KEYS[1], 'upload', ARGV[2])
return {'ok', ARGV[2]}
