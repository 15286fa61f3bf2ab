package upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// litter leaves an upload that holds something of every kind: parts, a tail as
// objects and as pieces, a copy whose runner died, and a multipart upload that
// no record names.
func litter(t *testing.T, l *lab) (id string) {
	t.Helper()
	s := l.mustPut(t, "", 0, content(1, 100))
	for range 3 {
		s = l.mustPut(t, s.ID, s.Offset, content(2, 13))
	}
	heal := l.crash(at(uploadtest.OpCopyPart, "file"))
	if _, err := l.commit(s.ID, "file"); err == nil {
		t.Fatal("the commit did not fail")
	}
	heal()
	if _, err := l.objects.CreateMultipart(t.Context(), upload.StagingKey(staging, s.ID), upload.Attributes{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // the lease
	return s.ID
}

// An upload is removed, by its client or because it expired, while one call
// after the other fails. Whoever asks is told; asked again, all of it goes.
func TestRemovalWhileStoresFail(t *testing.T) {
	removals := map[string]func(*lab, string) error{
		"discard": func(l *lab, id string) error { return l.Discard(context.Background(), owner, id) },
		"sweep": func(l *lab, _ string) error {
			time.Sleep(ttl + 2*time.Hour)
			_, err := l.Sweep(context.Background())
			return err
		},
	}
	for name, remove := range removals {
		for _, what := range []fault{refused, lost} {
			for call := 1; ; call++ {
				over := false
				t.Run(fmt.Sprintf("%s/%s/%d", name, what, call), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						l := newLab(func(c *upload.Config) { c.TailInSessions = 20 })
						id := litter(t, l)
						b := &breaker{at: call, what: what}
						b.install(l)
						err := remove(l, id)
						if over = b.hit == ""; over {
							return
						}
						if err == nil {
							t.Errorf("nobody is told that %s failed", b.hit)
						}
						if err := remove(l, id); err != nil {
							t.Errorf("again: %v", err)
						}
						l.wantOnly(t)
						l.wantNoneOpen(t)
						if n := l.sessions.Pieces(); n > 0 {
							t.Errorf("%d pieces are left", n)
						}
					})
				})
				if over || t.Failed() {
					break
				}
			}
		}
	}
}

// One upload that cannot be freed does not keep the sweeper from the others, and
// whoever runs it is told of that one, and how many were freed.
func TestSweepGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		for range 150 { // more than are claimed at a time
			l.mustPut(t, "", 0, content(1, 100))
		}
		time.Sleep(ttl + 2*time.Hour)
		var first sync.Once
		refused := ""
		l.objects.Fault = func(_, key string) error {
			if first.Do(func() { refused = key }); key == refused {
				return upload.ErrUnavailable
			}
			return nil
		}
		if n, err := l.Sweep(t.Context()); n != 149 || !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("freed %d, %v; want 149 and %v", n, err, upload.ErrUnavailable)
		}
		l.objects.Fault = nil
		time.Sleep(time.Hour)
		if n, err := l.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("freed %d, %v; want the one that is left", n, err)
		}
		l.wantNoneOpen(t)
		if ids := l.sessions.IDs(); len(ids) > 0 {
			t.Errorf("left in the session store: %q", ids)
		}
	})
}

// A chunk opens a multipart upload and then fails; the file turns out to be so
// small that it is stored at once. The multipart upload goes with the commit: it
// is at the destination, where no sweeper looks.
func TestUnusedMultipartUpload(t *testing.T) {
	l := newLab()
	s := l.openPromised(t)
	_, err := l.Append(t.Context(), upload.Chunk{
		Owner: owner, ID: s.ID, Offset: 10, Length: 80, Body: read(content(2, 30), fail{upload.ErrIdle})(),
	})
	if !errors.Is(err, upload.ErrIdle) {
		t.Fatal(err)
	}
	if open := l.objects.OpenMultiparts(); len(open) != 1 {
		t.Fatalf("open are %v, want the one of the chunk that failed", open)
	}
	l.mustPut(t, s.ID, 10, content(3, 5))
	l.mustCommit(t, s.ID, "file")
	l.wantOnly(t, "file")
	l.wantNoneOpen(t)
}

// breaking is a store that breaks off amid a body.
type breaking struct{ upload.Objects }

func (breaking) Put(_ context.Context, _ string, _ int64, body io.Reader, _ upload.Attributes, _ upload.Condition) (upload.Object, error) {
	_, _ = io.CopyN(io.Discard, body, 1)
	return upload.Object{}, upload.ErrUnavailable
}

// A store that breaks off amid a tail costs no buffers: they would be missing to
// all who come later.
func TestBuffersAfterABrokenCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) { c.Objects = breaking{c.Objects} })
		s := l.mustPut(t, "", 0, content(1, 40))
		if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		if n := l.Lent(); n > 0 {
			t.Errorf("%d bytes of buffers are still in use", n)
		}
	})
}

// The session store takes a multipart upload and does not answer. It is the
// upload's, and the repeated chunk goes into it.
func TestMultipartUploadTakenWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.openPromised(t)
		l.sessions.After = failing(uploadtest.OpAttach)
		if _, err := l.put(s.ID, 10, content(2, 80)); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		l.sessions.After = nil
		l.mustPut(t, s.ID, 10, content(2, 80))
		l.mustCommit(t, s.ID, "file")
		l.wantNoneOpen(t)
	})
}

// listless is a store whose listing of multipart uploads is behind.
type listless struct{ upload.Objects }

func (listless) Multiparts(context.Context, string) ([]string, error) { return nil, nil }

// A chunk that fails because the store does not answer says nothing of the bytes
// that were accepted before it.
func TestFailureIsNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) { c.Objects = listless{c.Objects} })
		s := l.mustPut(t, "", 0, content(1, 100))
		for _, failure := range []error{upload.ErrUnavailable, errors.New("the call made no sense")} {
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpUploadPart {
					return failure
				}
				return nil
			}
			for range 5 {
				if _, err := l.put(s.ID, 100, content(2, 80)); !errors.Is(err, failure) {
					t.Errorf("got %v, want %v", err, failure)
				}
				time.Sleep(2 * time.Minute)
			}
		}
		l.objects.Fault = nil
		l.mustPut(t, s.ID, 100, content(2, 80))
		l.mustCommit(t, s.ID, "file")
	})
}

// A first chunk fails, and so does removing what it stored. Its client knows no
// id, so the record stays until the sweeper has removed the rest.
func TestFirstChunkThatCannotBeRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, destination := range []string{"", "file"} {
			l := newLab(func(c *upload.Config) { c.Limits.MaxPart = 60 })
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpAbort {
					return upload.ErrUnavailable
				}
				return nil
			}
			_, err := l.Append(t.Context(), upload.Chunk{
				Owner: owner, Destination: destination, Length: 200, Body: read(content(1, 130), fail{upload.ErrIdle})(),
			})
			if !errors.Is(err, upload.ErrIdle) {
				t.Fatal(err)
			}
			if len(l.objects.Filled()) == 0 {
				t.Fatal("nothing was stored: this tries nothing")
			}
			l.objects.Fault = nil
			time.Sleep(ttl + 2*time.Hour)
			if _, err := l.Sweep(t.Context()); err != nil {
				t.Error(err)
			}
			l.wantNoneOpen(t)
			if ids := l.sessions.IDs(); len(ids) > 0 {
				t.Errorf("left in the session store: %q", ids)
			}
		}
	})
}

// A runner that died before it copied anything left no copy to end: the store is
// not asked to end one without a name.
func TestDiscardAfterADeadRunner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		observer := &events{}
		l := newLab(func(c *upload.Config) { c.Observer = observer })
		s := l.mustPut(t, "", 0, content(1, 20))
		heal := l.crash(at(uploadtest.OpPut, "file"))
		if _, err := l.commit(s.ID, "file"); err == nil {
			t.Fatal("the commit did not fail")
		}
		heal()
		time.Sleep(time.Minute)
		l.objects.Fault = func(op, key string) error {
			if op == uploadtest.OpAbort && key == "" {
				return errors.New("a multipart upload without a key")
			}
			return nil
		}
		if err := l.Discard(t.Context(), owner, s.ID); err != nil {
			t.Error(err)
		}
		l.wantOnly(t)
		if n := observer.seen["freed discarded"]; n != 20 {
			t.Errorf("%d bytes are said to be freed, want 20", n)
		}
	})
}
