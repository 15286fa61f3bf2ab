package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// mixedTail is an upload whose tail is in both stores: in fragments of less than a
// piece, of exactly one, and of several.
func mixedTail(t *testing.T, budget int64) (*lab, upload.Session, []byte) {
	t.Helper()
	l := newTailsLab(func(c *upload.Config) {
		c.Limits.MinPart, c.Limits.MaxPart, c.Limits.MaxChunk, c.BufferMemory = 8<<20, 16<<20, 1<<20, budget
	})
	sizes := []int{100, slab + 5000, 30_000, slab, 2*slab + 1, 5, 40_000}
	file := content(8, 1<<20)
	var s upload.Status
	for n, size := range sizes {
		l.cfg.TailInSessions = []int64{1 << 20, 0}[n/2%2]
		l = l.replica()
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:size])
	}
	got, err := l.sessions.Get(t.Context(), s.ID, owner)
	if err != nil {
		t.Fatal(err)
	}
	return l, got, file[:s.Offset]
}

// Any bytes of a tail are read as they are, in steps of any length, also when the tail
// moves meanwhile and what was in the session store is gone. They can be read again
// from any of them on, and nothing is held afterwards.
func TestAnyBytesOfATail(t *testing.T) {
	for seed := range uint64(120) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 6))
			l, s, file := mixedTail(t, []int64{1, 20 * slab, 8 << 20}[seed%3])
			from := r.Int64N(int64(len(file)))
			to := from + 1 + r.Int64N(int64(len(file))-from)
			want := file[from:to]
			f := l.TailFeed(t.Context(), s, from, to)
			defer f.Close()
			at := r.Int64N(int64(len(want)) + 1)
			first := make([]byte, at)
			if _, err := io.ReadFull(f, first); err != nil || !bytes.Equal(first, want[:at]) {
				t.Fatalf("seed %d: the first %d bytes of %d to %d: %v", seed, at, from, to, err)
			}
			if seed%2 == 0 {
				time.Sleep(idle)
				if n := l.replica().settle(t); n != 1 {
					t.Fatalf("moved %d tails, want 1", n)
				}
			}
			for range 3 {
				rest, err := io.ReadAll(f)
				if err != nil || !bytes.Equal(rest, want[at:]) {
					t.Fatalf("seed %d: %d bytes of %d to %d from %d on, %v", seed, len(rest), from, to, at, err)
				}
				at = r.Int64N(int64(len(want)) + 1)
				f.Rewind(at)
			}
			f.Close()
			if n := l.Lent(); n > 0 {
				t.Errorf("seed %d: %d bytes of buffers are still in use", seed, n)
			}
		})
	}
}

// closing counts the bodies that a store has open, each of which holds a connection.
type closing struct {
	upload.Objects
	open  atomic.Int64
	fails bool // each body, after 10 bytes
}

func (c *closing) Get(ctx context.Context, key string, size int64) (io.ReadCloser, error) {
	body, err := c.Objects.Get(ctx, key, size)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	counted := &closingBody{ReadCloser: body, c: c}
	if c.fails {
		counted.r = io.MultiReader(io.LimitReader(body, 10), fail{upload.ErrUnavailable})
	}
	return counted, nil
}

type closingBody struct {
	io.ReadCloser
	c *closing
	r io.Reader
}

func (b *closingBody) Read(p []byte) (int, error) {
	if b.r != nil {
		return b.r.Read(p)
	}
	return b.ReadCloser.Read(p)
}

func (b *closingBody) Close() error {
	b.c.open.Add(-1)
	return b.ReadCloser.Close()
}

// Whatever ends the reading of a tail, the store's connections and the buffers are
// given back: its end, a store that breaks off, or one that takes no more of it.
func TestTailsLetGo(t *testing.T) {
	for name, change := range map[string]func(*lab, *closing, *numberedTries){
		"all is well":                func(*lab, *closing, *numberedTries) {},
		"reading breaks off":         func(_ *lab, c *closing, _ *numberedTries) { c.fails = true },
		"parts break off":            func(_ *lab, _ *closing, n *numberedTries) { n.fails = func(int) bool { return true } },
		"the second part breaks off": func(_ *lab, _ *closing, n *numberedTries) { n.fails = func(try int) bool { return try > 1 } },
		"no object is stored": func(l *lab, _ *closing, _ *numberedTries) {
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpPut {
					return upload.ErrUnavailable
				}
				return nil
			}
		},
	} {
		for _, sessions := range []int64{0, 1 << 20} {
			for _, limit := range []int64{0, 300, 40_000} { // of parts from now on: the tail is a long one
				t.Run(fmt.Sprintf("%s/sessions=%d/limit=%d", name, sessions, limit), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c, n := &closing{}, &numberedTries{reads: 7, fails: func(int) bool { return false }}
						l := newLab(func(cfg *upload.Config) {
							c.Objects, n.Objects, cfg.Objects = cfg.Objects, c, n
							cfg.Limits.EqualPart, cfg.TailInSessions = 90_000, sessions
							cfg.Limits.MaxPart = 90_000
						})
						file := content(1, 100_000)
						s := l.mustPut(t, "", 0, file[:500])
						s = l.mustPut(t, s.ID, s.Offset, file[500:80_000])
						if limit > 0 {
							l.cfg.Limits.EqualPart = limit
						}
						l = l.replica()
						change(l, c, n)
						_, _ = l.put(s.ID, s.Offset, file[s.Offset:])
						_, _ = l.commit(s.ID, "file")
						synctest.Wait()
						if open := c.open.Load(); open != 0 {
							t.Errorf("%d of the store's connections are still in use", open)
						}
						if lent := l.Lent(); lent > 0 {
							t.Errorf("%d bytes of buffers are still in use", lent)
						}
					})
				})
			}
		}
	}
}

// A chunk that cannot pass over what it does not need of an object tells so, and keeps
// no connection.
func TestTailThatCannotBePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &closing{}
		l := newLab(func(cfg *upload.Config) {
			c.Objects, cfg.Objects = cfg.Objects, c
			cfg.TailInSessions, cfg.Limits.MinPart = 0, 1000
		})
		s := l.mustPut(t, "", 0, content(1, 500))
		got, err := l.sessions.Get(t.Context(), s.ID, owner)
		if err != nil {
			t.Fatal(err)
		}
		c.fails = true
		f := l.TailFeed(t.Context(), got, 100, 500)
		defer f.Close()
		if _, err := io.ReadAll(f); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		if open := c.open.Load(); open != 0 {
			t.Errorf("%d of the store's connections are still in use", open)
		}
	})
}

// A record whose tail makes no sense is damage and no defect.
func TestFragmentWithoutPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &events{}
		l := newLab(func(c *upload.Config) { c.Observer = told })
		s := l.mustPut(t, "", 0, content(1, 20))
		got, _, err := l.sessions.Begin(t.Context(), upload.Begin{ID: s.ID, Owner: owner, Offset: 20})
		if err != nil {
			t.Fatal(err)
		}
		tail := slices.Clone(got.Tail)
		tail[0].Piece = 0
		if moved, err := l.sessions.MoveTail(t.Context(), got, tail); !moved || err != nil {
			t.Fatal(moved, err)
		}
		if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) || told.seen["defect"] > 0 {
			t.Errorf("got %v, want %v; told %v", err, upload.ErrUnavailable, told.seen)
		}
	})
}

// A chunk that comes while its tail is being moved wins, and the copy is not left
// beside it; nor is one whose answer was lost.
func TestMoveForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab(func(c *upload.Config) { c.Limits.MinPart = 1000 })
		s := l.mustPut(t, "", 0, content(1, 40))
		time.Sleep(idle)
		l.before(uploadtest.OpMoveTail, func() error {
			s = l.mustPut(t, s.ID, 40, content(2, 10))
			return nil
		})
		if n, err := l.MoveTails(t.Context()); n != 0 || err != nil {
			t.Errorf("moved %d, %v; want none", n, err)
		}
		l.wantListed(t, s.ID)

		time.Sleep(idle)
		l.objects.After = func(op, _ string) error {
			if op == uploadtest.OpPut {
				return upload.ErrUnavailable
			}
			return nil
		}
		if _, err := l.MoveTails(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		l.wantListed(t, s.ID)
		if lent := l.Lent(); lent > 0 {
			t.Errorf("%d bytes of buffers are still in use", lent)
		}
	})
}

// One round of moving looks at each page of uploads once, and the log tells when tails
// begin and cease to go to the object store, once each.
func TestMovingIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := newTailsLab(func(c *upload.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		l.sessions.Limit = 100
		for _, used := range []int64{10, 69, 80, 85, 69, 10, 10} {
			l.sessions.Used = used
			pages := l.sessions.Calls(uploadtest.OpIdleTails)
			if _, err := l.MoveTails(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := l.sessions.Calls(uploadtest.OpIdleTails) - pages; n != 1 {
				t.Errorf("the only page was looked at %d times", n)
			}
		}
		if n := strings.Count(log.String(), "session store memory"); n != 2 {
			t.Errorf("told %d times:\n%s", n, &log)
		}
	})
}

// Whoever wants no tails to leave is told from 90 % on that chunks may be refused.
func TestNearlyFull(t *testing.T) {
	l := newTailsLab()
	l.cfg.TailShare = 0
	l = l.replica()
	l.sessions.Limit = 100
	for used, want := range map[int64]bool{0: false, 89: false, 90: true, 100: true} {
		l.sessions.Used = used
		if _, err := l.MoveTails(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(l.Remark(), "chunks may be refused"); told != want {
			t.Errorf("at %d %%: %q", used, l.Remark())
		}
	}
}

// A tail is moved, and the multipart upload is another one, when a chunk's part is to
// count: it does not, since its part is in none that would be completed.
func TestMovedAndReopened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab()
		file := content(1, 120)
		s := l.mustPut(t, "", 0, file[:20])
		time.Sleep(idle)
		l.before(uploadtest.OpAdvance, func() error {
			if n := l.replica().settle(t); n != 1 {
				t.Errorf("moved %d tails, want 1", n)
			}
			got, err := l.sessions.Get(t.Context(), s.ID, owner)
			if err != nil {
				return err
			}
			other, err := l.objects.CreateMultipart(t.Context(), got.Key, upload.Attributes{Upload: s.ID, Staged: true})
			if err == nil {
				err = l.sessions.Detach(t.Context(), s.ID, got.UploadID)
			}
			if err == nil {
				_, err = l.sessions.Attach(t.Context(), s.ID, other.ID)
			}
			return err
		})
		if _, err := l.put(s.ID, 20, file[20:]); err == nil {
			t.Error("the chunk is taken")
		}
		l.mustPut(t, s.ID, 20, file[20:])
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
	})
}
