-- note_failure.lua: keep the latest failure in the record.
--
-- ARGV[1] what   ARGV[2] when
--
-- Answers: ok

local r = record()
if r.state then
  redis.call('HSET', KEYS[1], 'failure', ARGV[1], 'failed', ARGV[2])
end
return {'ok'}
