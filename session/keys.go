package session

import (
	"strconv"
	"strings"
)

// The keys, all under one prefix ("chunkgate:" unless Options says otherwise):
//
//	<prefix>
//	├── {ID}             hash  the record of a session: fields in record.go
//	├── {ID}:parts       list  its listed parts in ascending order, one entry each
//	├── {ID}:tail        hash  pieces of fragments: "<name>:<number>" → bytes
//	├── deadlines        zset  ID → when the sweeper looks at it, Unix milliseconds
//	├── open:OWNER       zset  ID of an upload that counts → its expiry, Unix milliseconds
//	├── rate:OWNER       string of redis_rate: the requests of the last second
//	├── open             zset  ID → its expiry, of those that have not ended (Release)
//	└── ping             a minute's string that Ping writes
//
// The braces are the hash tag that puts a session's keys on one node of a
// Cluster. They vanish by themselves Options.Grace after the session's expiry:
// until then the sweeper can read what there is to clean up. A deadline stays
// until Forget.

// keys are a session's, in the order of KEYS in the scripts.
type keys struct{ record, parts, tail string }

func (s *Store) keys(id string) keys {
	record := s.prefix + "{" + id + "}"
	return keys{record: record, parts: record + ":parts", tail: record + ":tail"}
}

func (k keys) list() []string { return []string{k.record, k.parts, k.tail} }

func (s *Store) open() string { return s.prefix + "open" }

func (s *Store) deadlines() string { return s.prefix + "deadlines" }

// field names a piece within the tail's hash.
func field(name string, number int) string { return name + ":" + strconv.Itoa(number) }

// possible says whether a session could have this id. Ids come from clients: an
// empty one or one with a brace would put the keys on several nodes.
func possible(id string) bool {
	return id != "" && len(id) <= 256 && !strings.ContainsAny(id, "{}")
}
