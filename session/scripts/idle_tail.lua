-- idle_tail.lua: answer the session if its tail can leave Redis, and claim it;
-- delete the pieces that an earlier move left.
--
-- ARGV[1] ahead   ARGV[2] how long it must have been left alone
-- ARGV[3] how long a claim lasts   ARGV[4] how long pieces outlive their move
--
-- A piece is deleted only if the tail does not list its fragment: an older
-- version, which does not know that tails move, may have listed it again. What
-- only an older version has advanced does not leave.
-- Answers: ok | ok, record

local now = clock(ARGV[1])
local f = redis.call('HMGET', KEYS[1], 'state', 'tail', 'moved', 'moved_at', 'moving', 'advanced', 'expires')
local state, tail, moved = f[1], f[2], f[3]
if not state then return {'ok'} end

if moved and now - f[4] >= tonumber(ARGV[4]) then
  for name, size, piece, first in string.gmatch(moved, ';s,([^,;]*),(%d+),(%d+),(%d+)') do
    if not string.find(tail, ';s,' .. name .. ',', 1, true) then
      for n = 0, math.ceil(size / piece) - 1 do
        redis.call('HDEL', KEYS[3], name .. ':' .. string.format('%d', first + n))
      end
    end
  end
  redis.call('HDEL', KEYS[1], 'moved', 'moved_at')
end

if state ~= 'open' or not string.find(tail, ';s,', 1, true) or past(f[7], now)
  or not f[6] or now - f[6] < tonumber(ARGV[2])
  or f[5] and now - f[5] < tonumber(ARGV[3]) then
  return {'ok'}
end
-- Deleting comes first, as in advance.lua: this frees memory.
redis.call('HDEL', KEYS[1], 'moving')
redis.call('HSET', KEYS[1], 'moving', now)
local _, flat = record()
return {'ok', flat}
