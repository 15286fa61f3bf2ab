-- update_commit.lua: store the runner's progress.
--
-- ARGV[1] ahead        ARGV[2] runner      ARGV[3] how long its lease is
-- ARGV[4] terms        ARGV[5] destination
-- ARGV[6] copy's key   ARGV[7] copy's id   ARGV[8] 1 when the staging object is
-- sealed, else 0
--
-- Answers: ok | notfound

local r = record()
if r.state ~= 'committing' or r.runner ~= ARGV[2] then return {'notfound'} end
forget_former()
redis.call('HSET', KEYS[1], 'lease', after(clock(ARGV[1]), ARGV[3]),
  'terms', ARGV[4], 'destination', ARGV[5], 'copy_key', ARGV[6], 'copy_id', ARGV[7])
if ARGV[8] == '1' then redis.call('HSET', KEYS[1], 'sealed', '1') end
return {'ok'}
