package uploadtest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Names of the calls of upload.Sessions, for hooks and counts.
const (
	OpOpen         = "open"
	OpGetSession   = "get_session"
	OpBegin        = "begin"
	OpRenew        = "renew"
	OpDraw         = "draw"
	OpAttach       = "attach"
	OpDetach       = "detach"
	OpAdvance      = "advance"
	OpParts        = "parts"
	OpPutPieces    = "put_pieces"
	OpGetPieces    = "get_pieces"
	OpDropPieces   = "drop_pieces"
	OpBeginCommit  = "begin_commit"
	OpUpdateCommit = "update_commit"
	OpEndCommit    = "end_commit"
	OpReopen       = "reopen"
	OpSuspect      = "suspect"
	OpBury         = "bury"
	OpDue          = "due"
	OpAdopt        = "adopt"
	OpForget       = "forget"
	OpPingSessions = "ping_sessions"
)

// Sessions is a session store in memory. Nothing in it vanishes by itself: what
// a test finds left is what the engine forgot. Its methods are safe for
// concurrent use; the exported fields are to be set before the first call.
type Sessions struct {
	// Fault, if set, may refuse a call before it has any effect. It may block,
	// to hold a call up.
	Fault func(op string) error

	// After, if set, may spoil the answer of a call that has taken effect: an
	// answer lost on the way.
	After func(op string) error

	// Clock is the store's own, which decides; nil: time.Now.
	Clock func() time.Time

	// Used and Limit are what Memory says.
	Used, Limit int64

	mu        sync.Mutex
	sessions  map[string]*session
	pieces    map[pieceName][]byte
	deadlines map[string]time.Time
	calls     map[string]int
	failovers int
}

// session is a record.
type session struct {
	upload.Session
	parts    []upload.Part
	lost     bool            // the list of parts
	next     int             // the next part number
	won      map[string]bool // attempts
	previous *upload.Commit  // what a dead runner left, until its successor reports
	reopened string          // the latest runner that gave up
	moved    moved

	numberedAt int64 // the offset that Commits was counted up for last

	born, epoch string // that it was opened in; the latest in which it was complete
}

type pieceName struct {
	id, name string
	number   int
}

var _ upload.Sessions = (*Sessions)(nil)

// NewSessions makes an empty store.
func NewSessions() *Sessions {
	return &Sessions{
		sessions:  make(map[string]*session),
		pieces:    make(map[pieceName][]byte),
		deadlines: make(map[string]time.Time),
		calls:     make(map[string]int),
	}
}

// call runs one call between the hooks.
func (f *Sessions) call(ctx context.Context, op string, effect func() error) error {
	f.mu.Lock()
	f.calls[op]++
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.Fault != nil {
		if err := f.Fault(op); err != nil {
			return err
		}
	}
	f.mu.Lock()
	err := effect()
	f.mu.Unlock()
	if f.After != nil {
		if lost := f.After(op); lost != nil {
			return lost
		}
	}
	return err
}

// answer is call for those that answer something besides an error.
func answer[T any](ctx context.Context, f *Sessions, op string, effect func() (T, error)) (T, error) {
	var v T
	err := f.call(ctx, op, func() (err error) {
		v, err = effect()
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

// Calls is the number of calls of an operation so far, refused ones included.
func (f *Sessions) Calls(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

// IDs are those of all sessions that have a record or a deadline, in order.
func (f *Sessions) IDs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := slices.AppendSeq(slices.Collect(maps.Keys(f.sessions)), maps.Keys(f.deadlines))
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Pieces is the number of pieces kept, of all sessions.
func (f *Sessions) Pieces() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.pieces)
}

// Ping implements upload.Sessions.
func (f *Sessions) Ping(ctx context.Context) error {
	return f.call(ctx, OpPingSessions, func() error { return nil })
}

// now is the store's time, to the millisecond.
func (f *Sessions) now() time.Time { return clock(f.Clock) }

func clock(own func() time.Time) time.Time {
	if own == nil {
		own = time.Now
	}
	return own().UTC().Truncate(time.Millisecond)
}

// living finds a session that exists for clients.
func (f *Sessions) living(id string) (*session, error) {
	s, ok := f.sessions[id]
	if !ok || s.State == upload.Gone || s.Suspect.Times >= upload.DamagedAfter || !s.Expires.After(f.now()) {
		return nil, upload.ErrNotFound
	}
	return s, nil
}

// owned finds a living session of an owner.
func (f *Sessions) owned(id, owner string) (*session, error) {
	s, err := f.living(id)
	if err == nil && s.Owner != owner {
		return nil, upload.ErrNotFound
	}
	return s, err
}

// snapshot is a copy that shares nothing with the record.
func (s *session) snapshot() upload.Session {
	c := s.Session
	c.Tail = slices.Clone(s.Tail)
	c.Commit = cloneCommit(s.Commit)
	return c
}

func cloneCommit(c *upload.Commit) *upload.Commit {
	if c == nil {
		return nil
	}
	clone := *c
	if c.Result != nil {
		result := *c.Result
		clone.Result = &result
	}
	return &clone
}
