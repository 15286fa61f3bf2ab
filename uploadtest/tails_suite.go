package uploadtest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// TestTails checks an upload.Tails against the interface's contract. open is as
// for TestSessions; what it answers implements upload.Tails, too.
func TestTails(t *testing.T, open func(t *testing.T, ahead func() time.Duration) upload.Sessions) {
	cases := []struct {
		name string
		run  func(*tailsCase)
	}{
		{"idle", testIdle},
		{"idle_claimed", testIdleClaimed},
		{"idle_pages", testIdlePages},
		{"move", testMove},
		{"move_repeated", testMoveRepeated},
		{"move_twice", testMoveTwice},
		{"move_race", testMoveRace},
		{"move_refused", testMoveRefused},
		{"advance_after_move", testAdvanceAfterMove},
		{"listed_again", testListedAgain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sc := &sessionsCase{T: t}
			sc.Sessions = open(t, sc.offset)
			c.run(&tailsCase{sc, sc.Sessions.(upload.Tails)})
		})
	}
}

const idleTime = 10 * time.Minute

type tailsCase struct {
	*sessionsCase
	tails upload.Tails
}

// mustAdvance opens an upload whose tail is one fragment of 4 bytes.
func (c *tailsCase) mustFill() upload.Session {
	c.Helper()
	u := c.mustOpen()
	return c.mustAppend(u, "first")
}

// mustAppend puts a fragment of 4 bytes at the end of a tail.
func (c *tailsCase) mustAppend(u upload.Session, attempt string) upload.Session {
	c.Helper()
	if err := c.append(&u, attempt); err != nil {
		c.Fatalf("append: %v", err)
	}
	return u
}

func (c *tailsCase) append(u *upload.Session, attempt string) error {
	c.Helper()
	if err := c.PutPieces(c.Context(), u.ID, attempt, 0, [][]byte{[]byte("tail")}, u.Expires); err != nil {
		c.Fatalf("put pieces: %v", err)
	}
	tail := append(slices.Clone(u.Tail), upload.Fragment{Place: upload.InSessions, Name: attempt, Size: 4, Piece: 4})
	err := c.Advance(c.Context(), upload.Advance{
		ID: u.ID, Attempt: attempt, Epoch: c.epoch, From: u.Offset, To: u.Offset + 4, Moves: u.Moves, Tail: tail,
	})
	if err == nil {
		u.Offset, u.Tail = u.Offset+4, tail
	}
	return err
}

// idle are the ids that IdleTails answers, over all pages.
func (c *tailsCase) idle() map[string]upload.Session {
	c.Helper()
	all := map[string]upload.Session{}
	for from := 0; ; {
		idled, next, err := c.tails.IdleTails(c.Context(), from, idleTime)
		if err != nil {
			c.Fatalf("idle tails: %v", err)
		}
		for _, s := range idled {
			all[s.ID] = s
		}
		if from = next; next == 0 {
			return all
		}
	}
}

// mustMove moves a tail to one object.
func (c *tailsCase) mustMove(u upload.Session, want bool) []upload.Fragment {
	c.Helper()
	tail := []upload.Fragment{{Place: upload.InObjects, Name: "staging/tail", Size: u.Offset}}
	moved, err := c.tails.MoveTail(c.Context(), u, tail)
	if err != nil || moved != want {
		c.Fatalf("move: got %v, %v, want %v", moved, err, want)
	}
	return tail
}

func (c *tailsCase) wantPiece(u upload.Session, name string, want bool) {
	c.Helper()
	into := make([]byte, 4)
	err := c.GetPieces(c.Context(), u.ID, []upload.Piece{{Name: name, Into: into}})
	if want && (err != nil || !bytes.Equal(into, []byte("tail"))) || !want && !errors.Is(err, upload.ErrNotExist) {
		c.Errorf("piece of %s: %q, %v; want it: %v", name, into, err, want)
	}
}

// mustBegin reads a session as an attempt does.
func (c *tailsCase) mustBegin(u upload.Session) upload.Session {
	c.Helper()
	s, _, err := c.Begin(c.Context(), upload.Begin{ID: u.ID, Owner: owner, Offset: u.Offset})
	if err != nil {
		c.Fatalf("begin: %v", err)
	}
	return s
}

func testIdle(c *tailsCase) {
	c.mustOpen() // has no tail
	u := c.mustFill()
	c.pass(idleTime - moment)
	if got := c.idle(); len(got) > 0 {
		c.Errorf("%d uploads are idle too early", len(got))
	}
	u = c.mustAppend(u, "second")
	c.pass(idleTime - moment)
	if got := c.idle(); len(got) > 0 {
		c.Errorf("%d uploads are idle soon after their latest chunk", len(got))
	}
	c.pass(moment)
	got, ok := c.idle()[u.ID]
	if !ok || got.Offset != 8 || !slices.Equal(got.Tail, u.Tail) || got.Owner != owner {
		c.Errorf("got %+v, want the upload as it is", got)
	}
}

func testIdleClaimed(c *tailsCase) {
	u := c.mustFill()
	c.pass(idleTime)
	var times atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, ok := c.idle()[u.ID]; ok {
				times.Add(1)
			}
		})
	}
	all.Wait()
	if n := times.Load(); n != 1 {
		c.Errorf("%d movers were given the upload at once, want 1", n)
	}
	c.pass(moveClaim)
	if _, ok := c.idle()[u.ID]; !ok {
		c.Error("an upload whose mover died is never given to another")
	}
	c.pass(life)
	if _, ok := c.idle()[u.ID]; ok {
		c.Error("an upload that has expired is to be moved")
	}
}

func testIdlePages(c *tailsCase) {
	const uploads = 250
	for range uploads {
		c.mustFill()
	}
	c.pass(idleTime)
	if got := len(c.idle()); got != uploads {
		c.Errorf("%d uploads are idle, want %d", got, uploads)
	}
}

func testMove(c *tailsCase) {
	u := c.mustFill()
	tail := c.mustMove(u, true)
	c.mustMove(u, true) // a repeat
	got := c.mustBegin(u)
	if got.Offset != 4 || !slices.Equal(got.Tail, tail) || got.Moves != 1 {
		c.Errorf("after the move: %+v", got)
	}
	c.pass(movedGrace - moment)
	c.idle()
	c.wantPiece(u, "first", true)
	c.pass(moment)
	c.idle()
	c.wantPiece(u, "first", false)
}

// A move whose answer was lost is repeated when a chunk has come behind it. Who is
// told that it did not happen deletes the object that the tail lists.
func testMoveRepeated(c *tailsCase) {
	u := c.mustFill()
	c.mustMove(u, true)
	c.mustAppend(c.mustBegin(u), "second")
	c.mustMove(u, true)
}

// A tail that grew may be moved again before the pieces of its first move are gone:
// those of both go.
func testMoveTwice(c *tailsCase) {
	u := c.mustFill()
	c.mustMove(u, true)
	u = c.mustAppend(c.mustBegin(u), "second")
	c.mustMove(u, true)
	if got := c.mustBegin(u); got.Moves != 2 || got.Offset != 8 || len(got.Tail) != 1 {
		c.Errorf("after two moves: %+v", got)
	}
	c.pass(movedGrace)
	c.idle()
	c.wantPiece(u, "first", false)
	c.wantPiece(u, "second", false)
}

func testMoveRace(c *tailsCase) {
	for range 20 {
		u := c.mustFill()
		advanced, moved := u, false
		var err error
		var both sync.WaitGroup
		both.Go(func() { err = c.append(&advanced, "second") })
		both.Go(func() {
			moved, _ = c.tails.MoveTail(c.Context(), u, []upload.Fragment{{Place: upload.InObjects, Name: "o", Size: 4}})
		})
		both.Wait()
		if moved == (err == nil) || moved && !errors.Is(err, upload.ErrMoved) {
			c.Fatalf("moved: %v; advanced: %v; want one of them", moved, err)
		}
	}
}

func testMoveRefused(c *tailsCase) {
	u := c.mustFill()
	later := c.mustAppend(u, "second")
	c.mustMove(u, false)
	same := later
	same.Tail = slices.Clone(later.Tail)
	same.Tail[0].Name = "another"
	c.mustMove(same, false)
	if _, _, err := c.BeginCommit(c.Context(), u.ID, owner, upload.Commit{Terms: "t", Key: "k", Runner: "r"}, lease); err != nil {
		c.Fatal(err)
	}
	c.mustMove(later, false)
	unknown := u
	unknown.ID = "unknown"
	c.mustMove(unknown, false)
}

func testAdvanceAfterMove(c *tailsCase) {
	u := c.mustFill()
	c.mustMove(u, true)
	late := u
	if err := c.append(&late, "second"); !errors.Is(err, upload.ErrMoved) {
		c.Errorf("an attempt that began before the move: got %v, want %v", err, upload.ErrMoved)
	}
	now := c.mustAppend(c.mustBegin(u), "third")
	if got := c.mustBegin(now); len(got.Tail) != 2 || got.Offset != 8 {
		c.Errorf("the upload is %+v", got)
	}
	if err := c.append(&u, "third"); err != nil {
		c.Errorf("the repeat of what won: %v", err)
	}
}

// A version that does not know that tails move may list what was moved again.
func testListedAgain(c *tailsCase) {
	u := c.mustFill()
	c.mustMove(u, true)
	u.Moves = 1
	u = c.mustAppend(u, "second")
	c.pass(movedGrace)
	c.idle()
	c.wantPiece(u, "first", true)
}
