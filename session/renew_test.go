package session_test

import (
	"errors"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// failOver lets a replica take over, which cannot tell whether it knows all of an
// upload that was answered.
func failOver(t *testing.T, prepare func(*session.Store) upload.Session) (*session.Store, upload.Session) {
	t.Helper()
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	u := prepare(session.New(client, session.Options{}))
	replica := startReplica(t, server, client)
	promote(t, replica)
	return session.New(mustConnect(t, replica.URL), session.Options{}), u
}

// After a failover part numbers may be in use that this Redis does not know of.
// Until the caller has said above which there are none, none is handed out: two
// chunks would write to one number, and one of them would be in the file twice.
func TestNumbersAfterFailover(t *testing.T) {
	s, u := failOver(t, func(s *session.Store) upload.Session {
		u := mustFill(t, s)
		if _, err := s.Attach(t.Context(), u.ID, "multipart"); err != nil {
			t.Fatal(err)
		}
		return u
	})
	begin := func(offset int64) (upload.Numbers, error) {
		_, n, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: offset, Wanted: 3})
		return n, err
	}
	if _, err := begin(upload.AnyOffset); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("wherever the upload ends: got %v, want %v", err, upload.ErrNotFound)
	}
	n, err := begin(9)
	if err != nil || !n.Doubtful || n.Count != 0 {
		t.Fatalf("begin: got %+v, %v; want no number", n, err)
	}
	if again, err := begin(9); err != nil || again != n {
		t.Errorf("begin again: got %+v, %v; want %+v", again, err, n)
	}
	if _, err := s.Renew(t.Context(), u.ID, "another", 40, 3); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("renew in another epoch: got %v, want %v", err, upload.ErrUnavailable)
	}
	if _, err := s.Renew(t.Context(), "unknown", n.Epoch, 40, 3); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("renew what is not there: got %v, want %v", err, upload.ErrNotFound)
	}
	for _, want := range []int{41, 44} { // above what was said, then above what was handed out
		got, err := s.Renew(t.Context(), u.ID, n.Epoch, 40, 3)
		if err != nil || got.First != want || got.Count != 3 || got.Epoch != n.Epoch {
			t.Errorf("renew: got %+v, %v; want 3 from %d", got, err, want)
		}
	}
	if got, err := begin(9); err != nil || got.Doubtful || got.First != 47 {
		t.Errorf("begin afterwards: got %+v, %v; want 3 from 47", got, err)
	}
	if _, err := begin(upload.AnyOffset); err != nil {
		t.Errorf("wherever the upload ends, afterwards: %v", err)
	}
	if _, _, err := s.BeginCommit(t.Context(), u.ID, "alice", upload.Commit{Runner: "r"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Renew(t.Context(), u.ID, n.Epoch, 40, 3); !errors.Is(err, upload.ErrBusy) {
		t.Errorf("renew while committing: got %v, want %v", err, upload.ErrBusy)
	}
}

// An upload without a multipart upload has no numbers in use. A client that
// proves its offset ends the doubt, for itself and for its commit.
func TestOffsetEndsTheDoubt(t *testing.T) {
	s, u := failOver(t, func(s *session.Store) upload.Session { return mustFill(t, s) })
	_, n, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: 9, Wanted: 1})
	if err != nil || n.Doubtful || n.Count != 1 {
		t.Fatalf("begin: got %+v, %v; want a number", n, err)
	}
	if _, _, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: upload.AnyOffset}); err != nil {
		t.Errorf("wherever the upload ends: %v", err)
	}
	wantDoubt(t, s, u.ID, false)
}
