-- attach.lua: store the id of the multipart upload; the first one stays.
--
-- ARGV[1] ahead   ARGV[2] id
--
-- One that is opened while a commit runs, or after it, is nobody's to end.
-- Answers: ok, id that is stored | notfound | busy | completed

local r = record()
if not lives(r, clock(ARGV[1])) then return {'notfound'} end
if r.upload ~= '' then
  touch(r)
  return {'ok', r.upload}
end
local word = closed(r)
if word then return {word} end
redis.call('HSET', KEYS[1], 'upload', ARGV[2])
return {'ok', ARGV[2]}
