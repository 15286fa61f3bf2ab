-- update_commit.lua: store the runner's progress.
--
-- ARGV[1] runner      ARGV[2] lease       ARGV[3] terms   ARGV[4] destination
-- ARGV[5] copy's key  ARGV[6] copy's id   ARGV[7] 1 when the staging object is
-- sealed, else 0
--
-- Answers: ok | notfound

local r = record()
if r.state ~= 'committing' or r.runner ~= ARGV[1] then return {'notfound'} end
forget_former()
redis.call('HSET', KEYS[1], 'lease', ARGV[2], 'terms', ARGV[3], 'destination', ARGV[4],
  'copy_key', ARGV[5], 'copy_id', ARGV[6])
if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'sealed', '1') end
return {'ok'}
