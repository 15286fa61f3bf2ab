-- told.lua: what a server tells of itself. It follows clock.lua.

-- told is a section of INFO; '' from a server that has none. One that forbids it
-- fails the call: nobody could tell then what it has forgotten.
local function told(section)
  local info = redis.pcall('INFO', section)
  if type(info) == 'string' then return info end
  local why = info.err or ''
  if string.find(why, 'ACL') or string.find(why, 'permission') or string.find(why, "can't run") then
    error('NOPERM ' .. why)
  end
  return ''
end

-- fact is a line of a section.
local function fact(info, name)
  return string.match(info, name .. ':([^\r\n]*)')
end
