package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

const idle = 10 * time.Minute

// newTailsLab is a lab whose tails leave the session store.
func newTailsLab(change ...func(*upload.Config)) *lab {
	l := newLab(change...)
	l.cfg.Tails, l.cfg.TailIdle, l.cfg.TailShare = l.sessions, idle, 70
	l.Engine = upload.New(l.cfg)
	return l
}

// settle moves what can be moved, and lets the pieces vanish that are left.
func (l *lab) settle(tb testing.TB) (moved int) {
	tb.Helper()
	for range 3 {
		n, err := l.MoveTails(context.Background())
		if err != nil {
			tb.Fatal(err)
		}
		moved += n
		time.Sleep(time.Minute)
	}
	return moved
}

// The tail of an upload that was left alone is in the object store, and the
// upload goes on from there.
func TestIdleTailsLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		observer := &events{}
		l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart, c.Observer = 1000, observer })
		file := content(1, 1500)
		s := l.mustPut(t, "", 0, file[:300])
		s = l.mustPut(t, s.ID, s.Offset, file[300:400])
		time.Sleep(idle - time.Second)
		if n, err := l.MoveTails(t.Context()); n != 0 || err != nil {
			t.Fatalf("moved %d tails too early, %v", n, err)
		}
		time.Sleep(time.Second)
		if n, err := l.MoveTails(t.Context()); n != 1 || err != nil {
			t.Fatalf("moved %d tails, %v; want 1", n, err)
		}
		if n := l.sessions.Pieces(); n != 2 {
			t.Errorf("%d pieces are left at once, want both: somebody may be reading them", n)
		}
		time.Sleep(time.Minute)
		if n, err := l.MoveTails(t.Context()); n != 0 || err != nil {
			t.Fatalf("moved %d tails again, %v", n, err)
		}
		if n := l.sessions.Pieces(); n != 0 {
			t.Errorf("%d pieces are left", n)
		}
		if got := observer.seen["moved"]; got != 400 {
			t.Errorf("%d bytes are said to be moved, want 400", got)
		}
		s = l.mustPut(t, s.ID, s.Offset, file[400:500]) // behind the moved tail
		l.mustPut(t, s.ID, s.Offset, file[500:])        // and a part of all
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		l.wantOnly(t, "file")
	})
}

// All that an upload may be at when its tail is moved, at any moment of a chunk
// that began before: no client sees an error, and no byte is lost.
func TestTailMovedDuringChunk(t *testing.T) {
	for _, length := range []int{10, 90, 400} { // stays in the tail; so does it; becomes a part
		for _, announced := range []bool{true, false} {
			for at := range 12 {
				t.Run(fmt.Sprintf("length=%d/announced=%v/at=%d", length, announced, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { movedDuringChunk(t, length, announced, at) })
				})
			}
		}
	}
}

// movedDuringChunk moves the tail, and lets its pieces vanish, before call number
// at of a chunk.
func movedDuringChunk(t *testing.T, length int, announced bool, at int) {
	l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart = 400 })
	observer := &events{}
	l.cfg.Observer = observer
	l.Engine = upload.New(l.cfg)
	file := content(2, 63*2+length+50)
	s := upload.Status{}
	for range 63 { // one more, and they are merged
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:s.Offset+2])
	}
	time.Sleep(idle)
	var calls atomic.Int64 // the tail is fetched beside the call for its part
	move := func() {
		if calls.Add(1)-1 != int64(at) {
			return
		}
		calls.Add(1000) // the mover's own do not count
		if n := l.replica().settle(t); n > 1 {
			t.Errorf("moved %d tails, want one at most", n)
		}
	}
	l.sessions.Fault = func(string) error { move(); return nil }
	l.objects.Fault = func(string, string) error { move(); return nil }

	chunk := upload.Chunk{Owner: owner, ID: s.ID, Offset: s.Offset, Length: upload.UnknownLength}
	chunk.Body = bytes.NewReader(file[s.Offset:][:length])
	if announced {
		chunk.Length = int64(length)
	}
	s, err := l.Append(t.Context(), chunk)
	if err != nil {
		t.Fatalf("append while the tail is moved: %v", err)
	}
	l.sessions.Fault, l.objects.Fault = nil, nil
	if got := observer.seen["damaged"]; got != 0 {
		t.Errorf("%d uploads are said to be damaged", got)
	}
	l.settle(t)
	s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", file)
	l.wantOnly(t, "file")
	if n := l.sessions.Pieces(); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
}

// A commit that has begun keeps its tail, and one that begins finds it moved.
func TestTailMovedDuringCommit(t *testing.T) {
	for _, size := range []int{40, 130} { // all tail; a part and a tail
		for at := range 12 {
			synctest.Test(t, func(t *testing.T) {
				// Renewing a lease holds a lock, which virtual time does not wait for.
				l := newTailsLab(func(c *upload.Config) { c.Lease = 24 * time.Hour })
				file := content(4, size)
				s := l.mustPut(t, "", 0, file[:size-30])
				s = l.mustPut(t, s.ID, s.Offset, file[size-30:])
				time.Sleep(idle)
				var calls atomic.Int64
				l.sessions.Fault = func(string) error {
					if calls.Add(1)-1 == int64(at) {
						calls.Add(1000)
						l.replica().settle(t)
					}
					return nil
				}
				l.mustCommit(t, s.ID, "file")
				l.wantObject(t, "file", file)
			})
		}
	}
}

// Several movers at work on the same uploads move each tail once.
func TestMoversShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab()
		for n := range 20 {
			l.mustPut(t, "", 0, content(uint64(n), 40))
		}
		time.Sleep(idle)
		before := l.objects.Calls(uploadtest.OpPut)
		moved := make(chan int)
		for range 3 {
			go func() {
				n, err := l.replica().MoveTails(t.Context())
				if err != nil {
					t.Error(err)
				}
				moved <- n
			}()
		}
		sum := 0
		for range 3 {
			sum += <-moved
		}
		if puts := l.objects.Calls(uploadtest.OpPut) - before; sum != 20 || puts != 20 {
			t.Errorf("%d tails were moved by %d calls, want 20 by 20", sum, puts)
		}
	})
}

// Whatever call of a move fails, or is the last of its process, the upload is as
// it was or moved, and its expiry frees everything.
func TestMoveFaults(t *testing.T) {
	for _, what := range []fault{refused, lost, dieBefore, dieAfter} {
		for at := 1; at < 12; at++ {
			t.Run(fmt.Sprintf("%d %s", at, what), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newTailsLab()
					file := content(5, 100)
					s := l.mustPut(t, "", 0, file[:20])
					s = l.mustPut(t, s.ID, s.Offset, file[20:40])
					time.Sleep(idle)
					b := &breaker{at: at, what: what}
					b.install(l)
					for range 3 {
						_, err := l.MoveTails(t.Context())
						if err != nil && !errors.Is(err, upload.ErrUnavailable) {
							t.Error(err)
						}
						time.Sleep(time.Minute)
					}
					b.heal()
					b.at = 0
					l = l.replica()
					l.settle(t)
					for _, end := range []int{40, 70, 100} {
						s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:end])
					}
					l.mustCommit(t, s.ID, "file")
					l.wantObject(t, "file", file)
					l.expire(t)
					l.wantOnly(t, "file")
					if n := l.sessions.Pieces(); n != 0 {
						t.Errorf("%d pieces are left", n)
					}
				})
			})
		}
	}
}

// While the session store is filling up, chunks put no byte into it; when there
// is room again, they do.
func TestSpilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart = 2000 })
		l.sessions.Limit = 1 << 30
		file := content(6, 3000)
		s := upload.Status{}
		put := func(wantPieces bool) {
			t.Helper()
			if _, err := l.MoveTails(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := l.sessions.Calls(uploadtest.OpPutPieces)
			s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:s.Offset+100])
			if pieces := l.sessions.Calls(uploadtest.OpPutPieces) > before; pieces != wantPieces || l.Spilling() == wantPieces {
				t.Errorf("at %d the chunk went to the session store: %v, want %v; spilling is %v",
					l.sessions.Used, pieces, wantPieces, l.Spilling())
			}
		}
		for _, step := range []struct {
			used int64 // percent
			here bool
		}{{10, true}, {69, true}, {71, false}, {68, false}, {66, false}, {64, true}, {99, false}, {10, true}} {
			l.sessions.Used = step.used << 30 / 100
			put(step.here)
		}
		l.sessions.Used = 95<<30/100 + 1
		put(false)
		if want := "the session store uses 95 % of its memory: tails go to the object store"; l.Remark() != want {
			t.Errorf("remark %q, want %q", l.Remark(), want)
		}
		l.sessions.Used = 0
		put(true)
		if l.Remark() != "" {
			t.Errorf("remark %q, want none", l.Remark())
		}
		l.sessions.Limit = 0 // none, or nobody tells
		put(true)
		for int(s.Offset) < len(file) {
			s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:s.Offset+100])
		}
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		l.wantOnly(t, "file")
	})
}

// stops is a body that is read to the half and stays there until it is let go.
type stops struct {
	io.Reader
	half chan struct{}
	let  chan struct{}
}

func (s *stops) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p[:min(len(p), 5)])
	if s.half != nil {
		close(s.half)
		<-s.let
		s.half = nil
	}
	return n, err
}

// A client that takes longer for a chunk than an upload may be left alone does
// not notice that its tail moves meanwhile.
func TestSlowChunkWhileTailMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab()
		file := content(7, 130)
		s := l.mustPut(t, "", 0, file[:20])
		body := &stops{Reader: bytes.NewReader(file[20:40]), half: make(chan struct{}), let: make(chan struct{})}
		half := body.half
		done := make(chan error)
		go func() {
			_, err := l.Append(t.Context(), upload.Chunk{Owner: owner, ID: s.ID, Offset: 20, Length: 20, Body: body})
			done <- err
		}()
		<-half
		time.Sleep(idle)
		if n := l.replica().settle(t); n != 1 {
			t.Errorf("moved %d tails, want 1", n)
		}
		close(body.let)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		l.mustPut(t, s.ID, 40, file[40:])
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		l.wantOnly(t, "file")
		if keys := l.objects.Keys(); slices.Contains(keys, staging) {
			t.Error(keys)
		}
	})
}
