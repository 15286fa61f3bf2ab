package uploadtest

import (
	"maps"
	"slices"
	"strconv"

	"github.com/chunkgate/chunkgate/upload"
)

// Replica copies what the store knows now. What it answers lets the copy take
// over: all that came in between is forgotten, as by a Redis replica that
// missed it, and the epoch is another.
func (f *Sessions) Replica() (takeOver func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sessions := make(map[string]*session)
	for id, s := range f.sessions {
		sessions[id] = s.clone()
	}
	pieces, deadlines := maps.Clone(f.pieces), maps.Clone(f.deadlines)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.sessions, f.pieces, f.deadlines = sessions, pieces, deadlines
		f.failovers++
	}
}

func (s *session) clone() *session {
	c := *s
	c.Session = s.snapshot()
	c.moved.left = slices.Clone(s.moved.left)
	c.parts, c.won, c.previous = slices.Clone(s.parts), maps.Clone(s.won), cloneCommit(s.previous)
	return &c
}

func (f *Sessions) epoch() string { return strconv.Itoa(f.failovers) }

// remembers says whether a client at offset can be told where the session
// stands, and notes that the record is complete when it can and no part number
// may be in use that is not known.
func (f *Sessions) remembers(s *session, offset int64) error {
	doubtful := s.epoch != f.epoch()
	ahead := offset > s.Offset && s.born != f.epoch()
	if doubtful && offset == upload.AnyOffset || ahead {
		return upload.ErrNotFound
	}
	if doubtful && offset == s.Offset && s.UploadID == "" {
		s.epoch = f.epoch() // no number can be in use
	}
	return nil
}
