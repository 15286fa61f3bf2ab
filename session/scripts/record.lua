-- record.lua: the prelude of every script over one session (scripts.go).
--
-- KEYS[1] record (hash)   KEYS[2] listed parts (list)   KEYS[3] pieces (hash)
--
-- Every answer is an array that begins with a status word (errors.go). It
-- follows clock.lua and told.lua.

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

-- sightings is how often bytes that the session lists were not found, and
-- enough how often that has to be to be believed (upload.DamagedAfter).
local enough = 3
local function sightings(r)
  return tonumber(r.sightings or '0') or 0
end

-- lives says whether the session exists for clients. Only the master can say that
-- it does not: others have clocks of their own.
local function lives(r, now)
  if r.state and r.state ~= 'gone' and not past(r.expires, now) and sightings(r) < enough then return true end
  only_master()
  return false
end

-- unsuspect forgets what was seen: all is there.
local function unsuspect(r)
  if r.sightings then redis.call('HDEL', KEYS[1], 'sightings', 'sighted', 'suspicion') end
end

-- closed is the word that refuses bytes, nil while they are welcome.
local function closed(r)
  if r.state == 'committed' or r.sealed == '1' then return 'completed' end
  if r.state == 'committing' then return 'busy' end
  return nil
end

-- replication is the name of the server's history, and of the one that it took
-- over, nil if there is none.
local function replication()
  local info = told('replication')
  local former = fact(info, 'master_replid2')
  if former and string.match(former, '^0*$') then former = nil end
  return fact(info, 'master_replid') or '', former
end

-- brief is an id as long as it takes to tell it from others.
local function brief(id)
  return string.sub(id, 1, 12)
end

-- server names a process and what it has received as a replica, which grows when
-- it is one. Redis 6 does not tell the latter.
local function server(life)
  return brief(fact(life, 'run_id') or '') .. ' ' .. (fact(told('stats'), 'total_net_repl_input_bytes') or '')
end

-- seal notes up to which offset this very server remembers a session. It is
-- neither replicated nor in the append-only file: a copy of the record that came
-- in one of these ways has none, or one of another offset. MIGRATE takes it along.
local function seal(r, offset, now)
  if (r.born or '') == '' then return end
  redis.set_repl(redis.REPL_NONE)
  redis.call('HSET', KEYS[1], 'seal', offset .. ' ' .. now)
  redis.set_repl(redis.REPL_ALL)
end

-- unbroken says whether this server knows all that was answered about a session
-- although the name of its history is another now (docs/decisions.md).
local function unbroken(r, former, now)
  local offset, sealed = string.match(r.seal or '', '^(%d+) (%d+)$')
  local epoch, was = string.match(r.server or '', '^(%x+) (.*)$')
  if offset ~= r.offset or epoch ~= brief(r.epoch) or former then return false end
  local life = told('server')
  local is = server(life)
  if is == was then return string.match(is, '%d$') ~= nil end
  -- Another server: the record was moved here, or read from a snapshot. One that
  -- was ever a replica may have heard of the move, and missed what came after it.
  if not string.match(is, ' 0$') or string.match(is, '%S+') == string.match(was, '%S+') then return false end
  -- A clock that went back says nothing about what was first; a log may hold the seal after it was rewritten.
  local age, up = now - sealed, tonumber(fact(life, 'uptime_in_seconds'))
  if age >= 0 and up ~= nil and up * 1000 > age + 2000 then return true end
  local disk = told('persistence')
  return fact(disk, 'rdb_last_load_keys_loaded') == '0' and fact(disk, 'aof_enabled') == '0'
end

-- settle notes that a session is known whole in an epoch.
local function settle(r, epoch, now)
  r.epoch = epoch
  redis.call('HSET', KEYS[1], 'born', r.born, 'epoch', epoch, 'server', brief(epoch) .. ' ' .. server(told('server')))
  seal(r, r.offset, now)
end

-- memory is the epoch that everything this session knows must be of, and whether
-- it is; '' when nothing that is answered is ever forgotten (Options.Durable).
local function memory(r, now)
  if (r.born or '') == '' then return '', true end
  local present, former = replication()
  if present == r.epoch then return present, true end
  if not unbroken(r, former, now) then return present, false end
  if r.born == r.epoch then r.born = present end
  settle(r, present, now)
  return present, true
end

-- touch writes something that changes nothing, also in a Redis that is out of
-- memory: from Redis 7.2 on, WAIT goes by the last write (replicas.go).
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
