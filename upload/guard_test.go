package upload_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// closed is the list of errors that a protocol knows an answer for. What is
// none of them is answered 500.
var closed = []error{
	upload.ErrNotFound, upload.ErrCompleted, upload.ErrBusy, upload.ErrConflict, upload.ErrTooLarge, upload.ErrQuota,
	upload.ErrShortBody, upload.ErrIdle, upload.ErrUnavailable, upload.ErrNotExist,
}

// An adapter panics in a goroutine that the engine started. Nobody but the
// engine can recover from that, and Go would end every other upload with it.
func TestPanicsInGoroutines(t *testing.T) {
	parts := func(c *upload.Config) { c.Limits.MinPart, c.PartsParallel = 20, 3 }
	staged := func(t *testing.T, l *lab) (id string) { return l.mustPut(t, "", 0, content(1, 80)).ID }
	commit := func(_ context.Context, l *lab, id string) error {
		_, err := l.commit(id, "file")
		return err
	}
	tests := []struct {
		name   string
		at     string // the call that panics, once
		change func(*upload.Config)
		begin  func(*testing.T, *lab) (id string)
		work   func(context.Context, *lab, string) error
	}{
		{"one of several parts", uploadtest.OpUploadPart, parts, func(t *testing.T, l *lab) string { return l.mustPut(t, "", 0, nil).ID },
			func(ctx context.Context, l *lab, id string) error {
				_, err := l.put(id, 0, content(1, 150))
				return err
			}},
		{"tail that is fetched ahead", uploadtest.OpGetPieces, nil, func(t *testing.T, l *lab) string { return l.mustPut(t, "", 0, content(1, 30)).ID },
			func(ctx context.Context, l *lab, id string) error {
				_, err := l.put(id, 30, content(1, 60))
				return err
			}},
		{"part of a copy", uploadtest.OpCopyPart, nil, staged, commit},
		{"assembling", uploadtest.OpComplete, nil, staged, commit},
		{"result of a commit", uploadtest.OpEndCommit, nil, staged, commit},
		{"sweep of one upload", uploadtest.OpBury, nil, staged, func(ctx context.Context, l *lab, _ string) error {
			time.Sleep(ttl + 2*time.Hour)
			_, err := l.Sweep(ctx)
			return err
		}},
		{"sweep", uploadtest.OpDue, nil, staged, func(ctx context.Context, l *lab, _ string) error {
			_, err := l.Sweep(ctx)
			return err
		}},
		{"orphans", uploadtest.OpStaged, nil, staged, func(ctx context.Context, l *lab, _ string) error {
			_, err := l.Orphans(ctx)
			return err
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told, log := &events{}, &bytes.Buffer{}
				l := newLab(func(c *upload.Config) {
					c.Observer, c.Log = told, slog.New(slog.NewTextHandler(log, nil))
					if test.change != nil {
						test.change(c)
					}
				})
				id := test.begin(t, l)
				b := &panicky{at: test.at}
				l.sessions.Fault, l.objects.Fault = b.call, func(op, _ string) error { return b.call(op) }
				err := test.work(t.Context(), l, id)
				if err == nil {
					t.Fatal("no error")
				}
				for _, known := range closed {
					if errors.Is(err, known) {
						t.Errorf("got %v, want an error that is answered 500", err)
					}
				}
				if told.seen["defect"] != 1 {
					t.Errorf("%d defects are counted, want 1", told.seen["defect"])
				}
				if !strings.Contains(log.String(), "guard_test.go") {
					t.Errorf("no stack is logged: %s", log)
				}
				if l.Lent() != 0 {
					t.Errorf("%d bytes of buffers are never given back", l.Lent())
				}
			})
		})
	}
}

// panicky panics at the first call of a name. Parts of a chunk call it at once.
type panicky struct {
	at    string
	spent atomic.Bool
}

func (p *panicky) call(op string) error {
	if op == p.at && p.spent.CompareAndSwap(false, true) {
		panic(op + " has a defect")
	}
	return nil
}

// A commit that panics leaves no lease behind: its repeat begins at once, looks
// what the object store has, and succeeds.
func TestPanicEndsLease(t *testing.T) {
	for _, op := range []string{
		uploadtest.OpCopyPart, uploadtest.OpComplete, uploadtest.OpParts, uploadtest.OpEndCommit, uploadtest.OpList,
	} {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				id := l.mustPut(t, "", 0, content(1, 80)).ID
				b := &panicky{at: op}
				l.sessions.After, l.objects.After = b.call, func(op, _ string) error { return b.call(op) }
				if _, err := l.commit(id, "dir/file"); err == nil {
					t.Fatal("the commit does not panic")
				}
				begun := time.Now()
				l.mustCommit(t, id, "dir/file")
				if waited := time.Since(begun); waited > time.Second {
					t.Errorf("the repeat waited %v", waited)
				}
				l.wantObject(t, "dir/file", content(1, 80))
				time.Sleep(ttl + 2*time.Hour)
				l.mustSweep(t, 1)
				l.wantOnly(t, "dir/file")
			})
		})
	}
}

// The lease of a commit is renewed beside its work. When that panics, the work
// ends: another runner may take over.
func TestPanicInLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &events{}
		l := newLab(func(c *upload.Config) { c.Observer = told })
		id := l.mustPut(t, "", 0, content(1, 80)).ID
		var copying atomic.Bool
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpCopyPart && copying.CompareAndSwap(false, true) {
				time.Sleep(time.Minute)
			}
			return nil
		}
		b := &panicky{at: uploadtest.OpUpdateCommit}
		l.sessions.Fault = func(op string) error {
			if copying.Load() {
				return b.call(op)
			}
			return nil
		}
		if _, err := l.commit(id, "file"); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		if told.seen["defect"] != 1 {
			t.Errorf("%d defects are counted, want 1", told.seen["defect"])
		}
		l.mustCommit(t, id, "file")
		l.wantObject(t, "file", content(1, 80))
	})
}

// Noting a failure must not make it worse.
func TestPanicInNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := &events{}
		l := newLab(func(c *upload.Config) { c.Observer, c.Failures = told, panickyNotes{} })
		id := l.mustPut(t, "", 0, content(1, 10)).ID
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpUploadPart {
				return upload.ErrUnavailable
			}
			return nil
		}
		if _, err := l.put(id, 10, content(1, 80)); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		if err := l.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told.seen["defect"] != 1 {
			t.Errorf("%d defects are counted, want 1", told.seen["defect"])
		}
	})
}

type panickyNotes struct{}

func (panickyNotes) NoteFailure(context.Context, string, string) error {
	panic("note failure has a defect")
}
