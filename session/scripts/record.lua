-- record.lua: the prelude of every script over one session (scripts.go).
--
-- KEYS[1] record (hash)   KEYS[2] listed parts (list)   KEYS[3] pieces (hash)
--
-- Every answer is an array that begins with a status word (errors.go). It
-- follows clock.lua.

-- only_master fails on a replica: one that lags knows less than was answered,
-- and its connection may be one that led to the master. It writes nothing.
local function only_master()
  redis.call('HDEL', KEYS[1], '-')
end

-- record reads the session as a table and as the flat list HGETALL gives. That
-- there is none, only the master can say.
local function record()
  local flat, r = redis.call('HGETALL', KEYS[1]), {}
  if #flat == 0 then only_master() end
  for i = 1, #flat, 2 do r[flat[i]] = flat[i + 1] end
  return r, flat
end

-- past says whether a time is not after now. One that makes no sense has not
-- passed: nothing is destroyed or taken over by it.
local function past(time, now)
  local t = tonumber(time)
  return t ~= nil and t <= tonumber(now)
end

-- lives says whether the session exists for clients.
local function lives(r, now)
  return r.state and r.state ~= 'gone' and not past(r.expires, now)
end

-- closed is the word that refuses bytes, nil while they are welcome.
local function closed(r)
  if r.state == 'committed' or r.sealed == '1' then return 'completed' end
  if r.state == 'committing' then return 'busy' end
  return nil
end

-- epoch names what this server remembers. One that took over from another, or
-- was started again, may have forgotten what was answered last, and has another
-- epoch; '' if it does not tell.
local function epoch()
  local info = redis.pcall('INFO', 'replication')
  return type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
end

-- memory is the epoch that everything this session knows must be of; '' when
-- nothing that is answered is ever forgotten (Options.Durable).
local function memory(r)
  return (r.born or '') ~= '' and epoch() or ''
end

-- touch writes something that changes nothing, also in a Redis that is out of
-- memory.
local function touch(r)
  redis.call('PEXPIREAT', KEYS[1], r['until'])
end

-- forget_former removes what a dead runner of the commit left.
local function forget_former()
  redis.call('HDEL', KEYS[1],
    'former_terms', 'former_destination', 'former_runner', 'former_lease')
end

-- each runs a command over ARGV[first..last]; unpack takes some 8000 at most.
local function each(command, key, first, last)
  for i = first, last, 1000 do
    redis.call(command, key, unpack(ARGV, i, math.min(i + 999, last)))
  end
end
