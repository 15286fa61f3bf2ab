-- begin_commit.lua: claim the commit, unless it is done or a living runner has
-- it.
--
-- ARGV[1] ahead   ARGV[2] owner   ARGV[3] terms   ARGV[4] destination
-- ARGV[5] runner  ARGV[6] how long its lease is
--
-- The fields former_* keep what a dead runner left until its successor reports
-- progress, so that a repeated claim answers it again. A successor that dies
-- before it reports has made nothing: its predecessor is still the one to ask. The dead one's copy
-- stays where it is: it needs aborting even if the successor dies as well.
-- A record that may lack what was accepted last is claimed in doubt: a commit
-- names no size. What a dead runner left is in doubt as well: that it gave up, and
-- that bytes came after it, may be forgotten. Of a sealed one nothing is, as it
-- takes none. It stays in doubt until the commit is given up.
-- The tail is the last part of the object. Its bytes follow from the offset, so
-- it has one number an offset, however often the commit is tried: the field
-- numbered counts the offsets.
-- Answers: ok, record | notfound

local r = record()
local now = clock(ARGV[1])
if not lives(r, now) or r.owner ~= ARGV[2] then return {'notfound'} end
local open = r.state == 'open'
local mine = r.state == 'committing' and r.runner == ARGV[5]
local dead = r.state == 'committing' and not mine and past(r.lease, now)
if dead and not r.former_terms then
  redis.call('HSET', KEYS[1], 'former_terms', r.terms, 'former_destination', r.destination,
    'former_runner', r.runner, 'former_lease', r.lease)
end
if open then redis.call('HSET', KEYS[1], 'copy_key', '', 'copy_id', '') end
if open or dead then
  local _, known = memory(r, now)
  redis.call('HSET', KEYS[1], 'doubt', (known or r.sealed == '1') and '0' or '1')
end
if (open or mine or dead) and r.numbered_at ~= r.offset then
  redis.call('HINCRBY', KEYS[1], 'numbered', 1)
  redis.call('HSET', KEYS[1], 'numbered_at', r.offset)
end
if open or mine or dead then
  redis.call('HSET', KEYS[1], 'state', 'committing',
    'terms', ARGV[3], 'destination', ARGV[4], 'runner', ARGV[5], 'lease', after(now, ARGV[6]))
end
local _, flat = record()
return {'ok', flat}
