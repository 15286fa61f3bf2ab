package upload_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// A tail that lies in both stores, in turns, leaves the session store without
// what is in the object store already being touched, or bytes changing places.
func TestTailInBothStoresLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &events{}
		l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart, c.Observer = 1000, told })
		file := content(1, 400)
		var s upload.Status
		for n := range 6 {
			l.cfg.TailInSessions = []int64{100_000, 0}[n%2]
			l = l.replica()
			s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:50])
		}
		before, err := l.sessions.Get(t.Context(), s.ID, owner)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(idle)
		if n := l.settle(t); n != 1 {
			t.Fatalf("moved %d tails, want 1", n)
		}
		if n := told.seen["moved"]; n != 150 {
			t.Errorf("%d bytes are said to be moved, want 150", n)
		}
		l.wantListed(t, s.ID)
		after, err := l.sessions.Get(t.Context(), s.ID, owner)
		if err != nil {
			t.Fatal(err)
		}
		for n := 1; n < 6; n += 2 {
			if after.Tail[n] != before.Tail[n] {
				t.Errorf("fragment %d was %+v, is %+v", n, before.Tail[n], after.Tail[n])
			}
		}
		l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		l.wantOnly(t, "file")
	})
}

// A tail is moved although the object store refuses it at first, and an upload
// that is committed at that moment is no failure of the mover.
func TestMoverGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab()
		s := l.mustPut(t, "", 0, content(1, 40))
		time.Sleep(idle)
		refused := false
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpPut && !refused {
				refused = true
				return upload.ErrUnavailable
			}
			return nil
		}
		if n, err := l.MoveTails(t.Context()); n != 1 || err != nil || !refused {
			t.Errorf("moved %d, %v; want 1", n, err)
		}
		l.objects.Fault = nil
		l.mustCommit(t, s.ID, "first")

		s = l.mustPut(t, "", 0, content(2, 40))
		time.Sleep(idle)
		l.before(uploadtest.OpGetPieces, func() error {
			_, err := l.replica().commit(s.ID, "second")
			return err
		})
		if n, err := l.MoveTails(t.Context()); n != 0 || err != nil {
			t.Errorf("moved %d, %v; want none and no failure", n, err)
		}
		l.wantObject(t, "second", content(2, 40))
		l.wantOnly(t, "first", "second")
	})
}

// The object store fails when half of a tail has been moved: that half does not
// stay beside what the record lists.
func TestMoveThatFailsHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart = 1000 })
		var s upload.Status
		for n := range 3 { // the session store, the object store, the session store
			l.cfg.TailInSessions = []int64{100_000, 0}[n%2]
			l = l.replica()
			s = l.mustPut(t, s.ID, s.Offset, content(uint64(n), 50))
		}
		time.Sleep(idle)
		puts := 0
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpPut {
				puts++
			}
			if puts > 1 && op == uploadtest.OpPut {
				return upload.ErrUnavailable
			}
			return nil
		}
		if _, err := l.MoveTails(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		l.wantListed(t, s.ID)
	})
}

// A chunk makes some of many small fragments into one, while all of the tail is
// moved into one object: the chunk counts, with the bytes that it did not touch
// taken from that object. A store that fails at that moment costs no byte.
func TestTailMovedWhileSomeIsMerged(t *testing.T) {
	for _, sessions := range []int64{100_000, 350} {
		for _, fails := range []bool{false, true} {
			for at := range 14 {
				t.Run(fmt.Sprintf("sessions=%d/fails=%v/at=%d", sessions, fails, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { movedWhileMerging(t, sessions, fails, at) })
				})
			}
		}
	}
}

func movedWhileMerging(t *testing.T, sessions int64, fails bool, at int) {
	l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart, c.TailInSessions = 1000, sessions })
	file := content(2, 300+63*2+80)
	s := l.mustPut(t, "", 0, file[:300])
	for range 62 { // one more, and they are merged, but the first is not
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:2])
	}
	time.Sleep(idle)
	var calls atomic.Int64
	failing := ""
	hook := func(op string) error {
		switch n := calls.Add(1) - 1; {
		case n == int64(at):
			calls.Add(1000) // the mover's own do not count
			l.replica().settle(t)
			calls.Store(2000)
		case fails && n == 2002 && op != uploadtest.OpAdvance: // the chunk has heard of it
			failing = op
			return upload.ErrUnavailable
		case n > 2002 && op == failing: // every try of that call
			return upload.ErrUnavailable
		case n > 2002:
			failing = ""
		}
		return nil
	}
	l.sessions.Fault = hook
	l.objects.Fault = func(op, _ string) error { return hook(op) }
	now, err := l.put(s.ID, s.Offset, file[s.Offset:][:2])
	l.sessions.Fault, l.objects.Fault = nil, nil
	if err != nil {
		if !fails {
			t.Fatalf("append while the tail is moved: %v", err)
		}
		now = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:2])
	}
	l.settle(t)
	l.wantListed(t, s.ID)
	l.mustPut(t, s.ID, now.Offset, file[now.Offset:])
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", file)
	l.wantOnly(t, "file")
	if n := l.sessions.Pieces(); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
}

// Who wants no tails to leave a filling session store is obeyed.
func TestNoSpillingUnlessWanted(t *testing.T) {
	l := newTailsLab()
	l.cfg.TailShare = 0
	l = l.replica()
	l.sessions.Used, l.sessions.Limit = 99, 100
	if _, err := l.MoveTails(t.Context()); err != nil {
		t.Fatal(err)
	}
	if l.mustPut(t, "", 0, content(1, 10)); l.Spilling() || len(l.objects.Keys()) > 0 {
		t.Errorf("spilling is %v, objects are %q", l.Spilling(), l.objects.Keys())
	}
}
