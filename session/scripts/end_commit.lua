-- end_commit.lua: store the commit's result and free parts and tail.
--
-- ARGV[1] runner   ARGV[2] terms   ARGV[3] destination   ARGV[4] result
-- ARGV[5] 1 when nothing is left in the object store, else 0
--
-- Deleting comes first, as in advance.lua.
-- Answers: ok | notfound

local r = record()
if r.runner ~= ARGV[1] then return {'notfound'} end
if r.state == 'committed' then
  touch(r)
  if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'tidied', '1') end
  return {'ok'}
end
if r.state ~= 'committing' then return {'notfound'} end
redis.call('DEL', KEYS[2], KEYS[3])
forget_former()
unsuspect(r)
redis.call('HSET', KEYS[1], 'state', 'committed', 'tail', '', 'listed', '0',
  'terms', ARGV[2], 'destination', ARGV[3], 'result', ARGV[4], 'tidied', ARGV[5])
return {'ok'}
