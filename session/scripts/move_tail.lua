-- move_tail.lua: put other fragments, which hold the same bytes, in the place of
-- the tail.
--
-- ARGV[1] ahead ARGV[2] offset   ARGV[3] tail as it was   ARGV[4] tail
-- ARGV[5] fragments whose pieces are not needed any more
--
-- The pieces stay for a while, for whoever is reading them (idle_tail.lua). Attempts
-- that began before learn of it by the field moves.
-- Answers: ok, 1 when the tail lists what it was moved to, else 0 | notfound

local now = clock(ARGV[1])
local r = record()
if not lives(r, now) then return {'notfound'} end
touch(r)
-- A repeat of a move that was made: newer fragments may stand behind it by now.
for fragment in string.gmatch(ARGV[4], ';o,[^;]*') do
  if not string.find(ARGV[3], fragment, 1, true) and string.find(r.tail, fragment, 1, true) then return {'ok', 1} end
end
if closed(r) or r.offset ~= ARGV[2] or r.tail ~= ARGV[3] then return {'ok', 0} end
redis.call('HDEL', KEYS[1], 'moving', 'advanced')
redis.call('HSET', KEYS[1], 'tail', ARGV[4], 'moved', (r.moved or '') .. ARGV[5], 'moved_at', now)
redis.call('HINCRBY', KEYS[1], 'moves', 1)
return {'ok', 1}
