-- clock.lua: the prelude of every script that decides by time.
--
-- Times are Unix milliseconds by Redis's own clock, so that a proxy whose clock
-- is wrong destroys nothing and takes nothing over. Tests move them by saying
-- how far ahead of it time is: ARGV[1] of every script, milliseconds, else 0.
--
-- Numbers are stored as decimal strings: Lua would write large ones otherwise.

-- clock is the time.
local function clock(ahead)
  local t = redis.call('TIME')
  return string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000) + ahead)
end

-- after is so many milliseconds later, or earlier if there are less than none.
local function after(time, span)
  return string.format('%.0f', time + span)
end
