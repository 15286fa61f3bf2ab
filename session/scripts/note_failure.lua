-- note_failure.lua: keep the latest failure in the record.
--
-- ARGV[1] ahead   ARGV[2] what
--
-- Answers: ok

local r = record()
if r.state then
  redis.call('HSET', KEYS[1], 'failure', ARGV[2], 'failed', clock(ARGV[1]))
end
return {'ok'}
