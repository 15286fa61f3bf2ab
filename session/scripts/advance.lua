-- advance.lua: make an attempt's work count, if the offset is still where it
-- began.
--
-- ARGV[1] ahead   ARGV[2] attempt   ARGV[3] from   ARGV[4] to
-- ARGV[5] tail  ARGV[6] how its last fragment is spelled in a tail, or ''
-- ARGV[7] first unused number     ARGV[8] the number after the last unused
-- ARGV[9] id of the multipart upload that holds the parts
-- ARGV[10] epoch that the attempt began in
-- ARGV[11] how often the tail had been moved then
-- ARGV[12] n, the count of parts  ARGV[13…12+n] parts
-- ARGV[13+n…] fields of the pieces to drop
--
-- A repeat is recognised by the attempt's id among the latest winners; and,
-- however many won since, as long as its bytes are in the tail: whoever is
-- told that it lost may throw its fragments away.
-- In another epoch than it began in, numbers and pieces of the attempt may be
-- forgotten: it does not count, and the client repeats it. Nor is it told the
-- offset then, which may be lower than what it was told before.
-- listed is how many parts there are at least: versions before 1.0 do not count.
-- Answers: ok | notfound | completed | busy | damaged | offset, expires, offset now
--          | detached: the multipart upload that holds the parts | forgotten
--          | moved: the tail's bytes are in other fragments now

local attempt, from, to, tail, last = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local r = record()
local now = clock(ARGV[1])
if not lives(r, now) then return {'notfound'} end
if string.find(r.wins, ' ' .. attempt .. ' ', 1, true)
  or last ~= '' and string.find(r.tail, last, 1, true) then
  touch(r)
  return {'ok'}
end
local word = closed(r)
if word then return {word} end
local before = r.epoch or ''
local present, known = memory(r, now)
if not known or ARGV[10] ~= present and ARGV[10] ~= before then return {'forgotten'} end
if r.offset ~= from then
  touch(r)
  return {'offset', r.expires, r.offset}
end
local listed = redis.call('LLEN', KEYS[2])
if listed < tonumber(r.listed or '0') then return {'damaged'} end
if ARGV[11] ~= (r.moves or '0') then return {'moved'} end

local parts = tonumber(ARGV[12])
if parts > 0 and r.upload ~= ARGV[9] then return {'detached'} end
-- Deleting comes first: it is allowed in a Redis that is out of memory, and so
-- is what the same script writes after it.
each('HDEL', KEYS[3], 13 + parts, #ARGV)
unsuspect(r)
if parts > 0 then
  each('RPUSH', KEYS[2], 13, 12 + parts)
  redis.call('PEXPIREAT', KEYS[2], r['until'])
  redis.call('HSET', KEYS[1], 'listed', listed + parts)
end
local wins = string.sub(' ' .. attempt .. r.wins, 1, 512)
redis.call('HSET', KEYS[1], 'offset', to, 'tail', tail, 'wins', wins, 'advanced', now)
seal(r, to, now)
if r.next == ARGV[8] then
  redis.call('HSET', KEYS[1], 'next', ARGV[7])
end
return {'ok'}
