package uploadtest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chunkgate/chunkgate/upload"
)

// TestSessions checks an upload.Sessions against the interface's contract. open
// is called once a case and answers a store that is empty, whose time is ahead of
// this machine's by what its argument says.
func TestSessions(t *testing.T, open func(t *testing.T, ahead func() time.Duration) upload.Sessions) {
	cases := []struct {
		name string
		run  func(*sessionsCase)
	}{
		{"open", testOpen},
		{"get", testGet},
		{"begin", testBegin},
		{"attach", testAttach},
		{"detach", testDetach},
		{"advance", testAdvance},
		{"advance_large", testAdvanceLarge},
		{"parts_short", testPartsShort},
		{"odd_text", testOddText},
		{"draw", testDraw},
		{"give_back", testGiveBack},
		{"begin_race", testBeginRace},
		{"advance_race", testAdvanceRace},
		{"advance_repeated", testAdvanceRepeated},
		{"advance_repeated_late", testAdvanceRepeatedLate},
		{"loser_harmless", testLoserHarmless},
		{"pieces", testPieces},
		{"pieces_dropped", testPiecesDropped},
		{"commit", testCommit},
		{"commit_repeated", testCommitRepeated},
		{"commit_race", testCommitRace},
		{"commit_waits", testCommitWaits},
		{"commit_taken_over", testCommitTakenOver},
		{"commit_inherited", testCommitInherited},
		{"commit_reopened", testCommitReopened},
		{"commit_sealed", testCommitSealed},
		{"commit_not_runner", testCommitNotRunner},
		{"unknown", testUnknown},
		{"foreign", testForeign},
		{"expired", testExpired},
		{"gone", testGone},
		{"bury_by_owner", testBuryByOwner},
		{"bury_by_sweeper", testBuryBySweeper},
		{"bury_committing", testBuryCommitting},
		{"bury_taken_over", testBuryTakenOver},
		{"suspect", testSuspect},
		{"suspect_certain", testSuspectCertain},
		{"commit_numbers", testCommitNumbers},
		{"due", testDue},
		{"due_race", testDueRace},
		{"adopt", testAdopt},
		{"forget", testForget},
		{"context", testSessionsContext},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sc := &sessionsCase{T: t}
			sc.Sessions = open(t, sc.offset)
			if err := sc.Ping(t.Context()); err != nil {
				t.Fatalf("ping: %v", err)
			}
			c.run(sc)
		})
	}
}

const (
	life  = 48 * time.Hour
	lease = time.Minute
	owner = "alice"
)

// sessionsCase is a store under test, with steps that must succeed.
type sessionsCase struct {
	*testing.T
	upload.Sessions
	ahead
	epoch string // of the session opened last
}

// ahead moves a store's time.
type ahead struct{ by atomic.Int64 }

func (a *ahead) offset() time.Duration { return time.Duration(a.by.Load()) }

// now is the store's time, as far as we know.
func (a *ahead) now() time.Time { return time.Now().Add(a.offset()).UTC().Truncate(time.Millisecond) }

// pass lets time pass.
func (a *ahead) pass(d time.Duration) { a.by.Add(int64(d)) }

// reach makes it a time, or a moment later.
func (a *ahead) reach(t time.Time) { a.by.Store(int64(time.Until(t) + 2*time.Millisecond)) }

// moment is more than a step of a test takes.
const moment = 20 * time.Second

// Open implements upload.Sessions, and notes the epoch.
func (c *sessionsCase) Open(ctx context.Context, s upload.Session, ttl time.Duration, wanted int) (upload.Session, upload.Numbers, error) {
	stored, n, err := c.Sessions.Open(ctx, s, ttl, wanted)
	c.epoch = n.Epoch
	return stored, n, err
}

// newSession is one that no store knows yet.
func (c *sessionsCase) newSession() upload.Session {
	id := rand.Text()
	return upload.Session{ID: id, Owner: owner, State: upload.Open, Key: "staging/" + id}
}

// mustOpen opens a session without drawing numbers.
func (c *sessionsCase) mustOpen() upload.Session {
	c.Helper()
	s, _, err := c.Open(c.Context(), c.newSession(), life, 0)
	if err != nil {
		c.Fatalf("open: %v", err)
	}
	return s
}

func (c *sessionsCase) mustGet(id string) upload.Session {
	c.Helper()
	s, err := c.Get(c.Context(), id, owner)
	if err != nil {
		c.Fatalf("get: %v", err)
	}
	return s
}

// attemptAt asks for numbers at an offset, in bytes.
func (c *sessionsCase) attemptAt(id string, offset int64, wanted int) (upload.Session, upload.Numbers, error) {
	return c.Begin(c.Context(), upload.Begin{ID: id, Owner: owner, Offset: offset, Wanted: wanted})
}

func (c *sessionsCase) mustBegin(id string, wanted int) upload.Numbers {
	c.Helper()
	_, n, err := c.attemptAt(id, upload.AnyOffset, wanted)
	if err != nil {
		c.Fatalf("begin: %v", err)
	}
	if n.First < 1 || n.Count != wanted {
		c.Fatalf("got numbers %+v, want %d from 1 or above", n, wanted)
	}
	return n
}

func (c *sessionsCase) mustDraw(id string, wanted int) upload.Numbers {
	c.Helper()
	n, err := c.Draw(c.Context(), id, wanted)
	if err != nil {
		c.Fatalf("draw: %v", err)
	}
	return n
}

// advance fills in what no case cares about.
func (c *sessionsCase) advance(a upload.Advance) error {
	if a.Attempt == "" {
		a.Attempt = rand.Text()
	}
	a.Epoch = c.epoch
	return c.Advance(c.Context(), a)
}

func (c *sessionsCase) mustAdvance(a upload.Advance) {
	c.Helper()
	if err := c.advance(a); err != nil {
		c.Fatalf("advance from %d to %d: %v", a.From, a.To, err)
	}
}

func (c *sessionsCase) mustPut(id, name string, first int, pieces ...[]byte) {
	c.Helper()
	if err := c.PutPieces(c.Context(), id, name, first, pieces, c.now().Add(life)); err != nil {
		c.Fatalf("put pieces: %v", err)
	}
}

// piece reads one of size bytes.
func (c *sessionsCase) piece(id, name string, number, size int) ([]byte, error) {
	c.Helper()
	into := make([]byte, size)
	return into, c.GetPieces(c.Context(), id, []upload.Piece{{Name: name, Number: number, Into: into}})
}

func (c *sessionsCase) wantParts(id string, want ...upload.Part) {
	c.Helper()
	parts, err := c.Parts(c.Context(), id)
	if err != nil {
		c.Fatalf("parts: %v", err)
	}
	c.wantSame("parts", parts, want)
}

// wantSame compares; no list is as good as an empty one.
func (c *sessionsCase) wantSame(what string, got, want any) {
	c.Helper()
	if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
		c.Fatalf("%s, got (-) and want (+):\n%s", what, diff)
	}
}

func (c *sessionsCase) wantError(what string, err, want error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Fatalf("%s: got %v, want %v", what, err, want)
	}
}

// wantNear makes sure that a time is this one, give or take what a test takes.
func (c *sessionsCase) wantNear(what string, got, want time.Time) {
	c.Helper()
	if off := got.Sub(want); off.Abs() > moment {
		c.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// wantOffset makes sure that err tells a client where the upload ends.
func (c *sessionsCase) wantOffset(err error, s upload.Session, sent, ends int64) {
	c.Helper()
	var e *upload.OffsetError
	if !errors.As(err, &e) {
		c.Fatalf("got %v, want an offset error", err)
	}
	c.wantSame("offset error", *e, upload.OffsetError{ID: s.ID, Expires: s.Expires, Got: sent, Want: ends})
}

// wantDisjoint makes sure that no number is in two runs.
func (c *sessionsCase) wantDisjoint(runs []upload.Numbers) {
	c.Helper()
	slices.SortFunc(runs, func(a, b upload.Numbers) int { return a.First - b.First })
	for i := 1; i < len(runs); i++ {
		if before := runs[i-1]; before.First+before.Count > runs[i].First {
			c.Fatalf("numbers %+v and %+v overlap", before, runs[i])
		}
	}
}

// kept is a fragment of an attempt in the session store, in one piece.
func kept(attempt string, size int64) upload.Fragment {
	return upload.Fragment{Place: upload.InSessions, Name: attempt, Size: size, Piece: size}
}
