-- adopt.lua: give a deadline to those that have none.
--
-- KEYS[1] deadlines (zset)
-- ARGV[1] ahead   ARGV[2] how long ago it passed   ARGV[3…] ids
--
-- Answers: how many had none

local passed, adopted = after(clock(ARGV[1]), -ARGV[2]), 0
for i = 3, #ARGV do
  adopted = adopted + redis.call('ZADD', KEYS[1], 'NX', passed, ARGV[i])
end
return adopted
