package upload_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// counted is a lab that counts open uploads.
func counted(change ...func(*upload.Config)) (*lab, *uploadtest.Quotas) {
	q := uploadtest.NewQuotas()
	return newLab(append(change, func(c *upload.Config) { c.Quotas = q })...), q
}

// open begins an upload of an owner that may have so many.
func (l *lab) open(t *testing.T, most int) (upload.Status, error) {
	t.Helper()
	return l.Append(t.Context(), upload.Chunk{
		Owner: owner, Length: 1, Body: strings.NewReader("x"), MaxUploads: most,
	})
}

// An upload counts until its end, of whatever kind that is.
func TestQuota(t *testing.T) {
	now := time.Now()
	l, q := counted()
	clock := func() time.Time { return now }
	l.sessions.Clock, q.Clock = clock, clock
	first, err := l.open(t, 2)
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.open(t, 2)
	if err != nil {
		t.Fatal(err)
	}
	full := func() {
		t.Helper()
		sessions := len(l.sessions.IDs())
		if _, err := l.open(t, 2); !errors.Is(err, upload.ErrQuota) {
			t.Errorf("a third upload: got %v, want %v", err, upload.ErrQuota)
		}
		if got := len(l.sessions.IDs()); got != sessions {
			t.Errorf("the refused upload left %d sessions", got-sessions)
		}
	}
	full()
	l.mustPut(t, first.ID, 1, []byte("more")) // those that are open go on
	full()

	l.mustCommit(t, first.ID, "a")
	third, err := l.open(t, 2)
	if err != nil {
		t.Fatalf("after a commit: %v", err)
	}
	full()
	if err := l.Discard(t.Context(), owner, second.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := l.open(t, 2); err != nil {
		t.Fatalf("after a discard: %v", err)
	}
	full()
	if _, err := l.commit(third.ID); err == nil { // no key
		t.Fatal("a commit without a destination succeeded")
	}
	full()

	now = now.Add(ttl)
	if _, err := l.open(t, 1); err != nil {
		t.Fatalf("after all have expired: %v", err)
	}
	now = now.Add(ttl + 2*time.Hour)
	if _, err := l.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := q.Counted(owner); n != 0 {
		t.Errorf("after the sweep %d uploads count", n)
	}
}

// A first chunk that fails, whatever the reason, counts for nothing; neither do
// whole files.
func TestQuotaOfFailures(t *testing.T) {
	for name, change := range map[string]func(*lab, *uploadtest.Quotas, *upload.Chunk){
		"body":           func(_ *lab, _ *uploadtest.Quotas, c *upload.Chunk) { c.Length = 2 },
		"open refused":   func(l *lab, _ *uploadtest.Quotas, _ *upload.Chunk) { l.sessions.Fault = failing(uploadtest.OpOpen) },
		"open's answer":  func(l *lab, _ *uploadtest.Quotas, _ *upload.Chunk) { l.sessions.After = failing(uploadtest.OpOpen) },
		"claim's answer": func(_ *lab, q *uploadtest.Quotas, _ *upload.Chunk) { q.After = failing(uploadtest.OpClaim) },
		"pieces refused": func(l *lab, _ *uploadtest.Quotas, _ *upload.Chunk) {
			l.sessions.Fault = failing(uploadtest.OpPutPieces)
		},
		"object too large": func(_ *lab, _ *uploadtest.Quotas, c *upload.Chunk) { c.Length, c.MaxObject = 200, 100 },
		"release too": func(_ *lab, q *uploadtest.Quotas, c *upload.Chunk) {
			c.Length = 2
			q.After = failing(uploadtest.OpRelease)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, q := counted()
			c := upload.Chunk{Owner: owner, Length: 1, Body: strings.NewReader("x"), MaxUploads: 1}
			change(l, q, &c)
			if _, err := l.Append(t.Context(), c); err == nil {
				t.Fatal("the chunk was taken")
			}
			if n := q.Counted(owner); n != 0 {
				t.Errorf("%d uploads count, want none", n)
			}
		})
	}
}

// failing makes a hook that fails one operation.
func failing(op string) func(string) error {
	return func(called string) error {
		if called == op {
			return upload.ErrUnavailable
		}
		return nil
	}
}

// A chunk that would make the object larger than its owner may have is refused
// before its body is read; what is there may be committed.
func TestOwnersLargestObject(t *testing.T) {
	l := newLab()
	s := l.mustPut(t, "", 0, content(1, 60))
	unread := &unreadBody{}
	chunk := upload.Chunk{Owner: owner, ID: s.ID, Offset: 60, Length: 41, Body: unread, MaxObject: 100}
	if _, err := l.Append(t.Context(), chunk); !errors.Is(err, upload.ErrTooLarge) || unread.read {
		t.Errorf("got %v (body read: %v), want %v", err, unread.read, upload.ErrTooLarge)
	}
	chunk.Length, chunk.Body = upload.UnknownLength, strings.NewReader(strings.Repeat("x", 41))
	if _, err := l.Append(t.Context(), chunk); !errors.Is(err, upload.ErrTooLarge) {
		t.Errorf("of unknown length: got %v, want %v", err, upload.ErrTooLarge)
	}
	put := upload.PutRequest{
		CommitRequest: upload.CommitRequest{Owner: owner, Key: func(n int) (string, bool) { return "b", n == 0 }},
		Length:        101, Body: unread, MaxObject: 100,
	}
	if _, err := l.Put(t.Context(), put); !errors.Is(err, upload.ErrTooLarge) || unread.read {
		t.Errorf("put: got %v (body read: %v), want %v", err, unread.read, upload.ErrTooLarge)
	}
	put.Length, put.Body = upload.UnknownLength, strings.NewReader(strings.Repeat("x", 101))
	if _, err := l.Put(t.Context(), put); !errors.Is(err, upload.ErrTooLarge) {
		t.Errorf("put of unknown length: got %v, want %v", err, upload.ErrTooLarge)
	}
	chunk.Length, chunk.Body = 40, strings.NewReader(strings.Repeat("x", 40))
	if _, err := l.Append(t.Context(), chunk); err != nil {
		t.Errorf("up to the limit: %v", err)
	}
	l.mustCommit(t, s.ID, "a")
}

// unreadBody tells whether it was read.
type unreadBody struct{ read bool }

func (b *unreadBody) Read(p []byte) (int, error) {
	b.read = true
	return len(p), nil
}
