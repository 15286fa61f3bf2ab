-- reopen.lua: give up the commit.
--
-- ARGV[1] runner
--
-- The field reopened recognises a repeat.
-- Answers: ok | notfound

local r = record()
if r.reopened == ARGV[1] then
  touch(r)
  return {'ok'}
end
if r.state ~= 'committing' or r.runner ~= ARGV[1] then return {'notfound'} end
forget_former()
redis.call('HDEL', KEYS[1], 'terms', 'destination', 'runner', 'lease', 'copy_key', 'copy_id', 'doubt')
redis.call('HSET', KEYS[1], 'state', 'open', 'reopened', ARGV[1])
return {'ok'}
