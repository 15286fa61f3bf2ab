package uploadtest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestSessionsFake(t *testing.T) {
	uploadtest.TestSessions(t, func(_ *testing.T, ahead func() time.Duration) upload.Sessions {
		s := uploadtest.NewSessions()
		s.Clock = func() time.Time { return time.Now().Add(ahead()) }
		return s
	})
}

// TestSessionsFakeHooks makes sure that Fault prevents an effect and After only
// loses its answer.
func TestSessionsFakeHooks(t *testing.T) {
	broken := errors.New("broken")
	session := upload.Session{ID: "u", Owner: "alice"}
	only := func(op string) func(string) error {
		return func(called string) error {
			if called == op {
				return broken
			}
			return nil
		}
	}

	refusing := uploadtest.NewSessions()
	refusing.Fault = only(uploadtest.OpOpen)
	if _, _, err := refusing.Open(t.Context(), session, time.Hour, 1); !errors.Is(err, broken) {
		t.Errorf("open: got %v, want %v", err, broken)
	}
	if ids := refusing.IDs(); len(ids) != 0 {
		t.Errorf("got sessions %v, want none", ids)
	}

	forgetful := uploadtest.NewSessions()
	forgetful.After = only(uploadtest.OpOpen)
	if _, n, err := forgetful.Open(t.Context(), session, time.Hour, 1); !errors.Is(err, broken) || n.Count != 0 {
		t.Errorf("open: got %+v, %v, want no numbers and %v", n, err, broken)
	}
	if _, err := forgetful.Get(t.Context(), "u", "alice"); err != nil {
		t.Errorf("get: %v", err)
	}
	if calls := forgetful.Calls(uploadtest.OpOpen); calls != 1 {
		t.Errorf("got %d calls, want 1", calls)
	}
}

func TestFakeTails(t *testing.T) {
	uploadtest.TestTails(t, func(_ *testing.T, ahead func() time.Duration) upload.Sessions {
		s := uploadtest.NewSessions()
		s.Clock = func() time.Time { return time.Now().Add(ahead()) }
		return s
	})
}
