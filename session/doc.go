// Package session keeps upload sessions in Redis: it is the adapter behind
// upload.Sessions.
//
// Whatever decides something is one Lua script (folder scripts) over the keys
// of one session, so it is atomic and costs one round trip; the keys are drawn
// in keys.go, the record's fields are in record.go. The package needs nothing
// but plain commands, Redis 6 or newer or what speaks like it, alone, behind
// Sentinel or as a Cluster. Time is Redis's own, read by the script that it
// decides something in (clock.lua), and never a proxy's.
//
// The client repeats a command when the connection breaks before the answer
// came, so every script may run twice for one call without harm.
//
// An acknowledged chunk is as durable as Redis is told to be: with appendfsync
// everysec a crash of its machine may cost the last second, and a failover what
// had not been replicated. The offset then goes back for that upload.
package session
