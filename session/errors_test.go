package session_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// everyCall calls each method that talks to Redis about session id.
func everyCall(ctx context.Context, s *session.Store, id string) map[string]error {
	now := time.Now()
	errs := make(map[string]error)
	_, _, errs["open"] = s.Open(ctx, upload.Session{ID: "new", Owner: "alice"}, time.Hour, 1)
	_, errs["get"] = s.Get(ctx, id, "alice")
	_, _, errs["begin"] = s.Begin(ctx, upload.Begin{ID: id, Owner: "alice", Offset: upload.AnyOffset})
	_, errs["draw"] = s.Draw(ctx, id, 1)
	_, errs["parts"] = s.Parts(ctx, id)
	errs["put pieces"] = s.PutPieces(ctx, id, "x", 0, [][]byte{{1}}, now.Add(time.Hour))
	errs["get pieces"] = s.GetPieces(ctx, id, []upload.Piece{{Name: "a", Into: make([]byte, 1)}})
	errs["drop pieces"] = s.DropPieces(ctx, id, []upload.Fragment{{Place: upload.InSessions, Name: "x", Size: 1, Piece: 1}})
	_, errs["bury"] = s.Bury(ctx, id, "alice")
	_, errs["due"] = s.Due(ctx, 0, 0, 1)
	errs["forget"] = s.Forget(ctx, id)
	errs["ping"] = s.Ping(ctx)
	return errs
}

func wantUnavailable(t *testing.T, errs map[string]error) {
	t.Helper()
	for call, err := range errs {
		if !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", call, err, upload.ErrUnavailable)
		}
	}
}

// TestImpossibleIDs: what no upload can be called, and would put keys on several
// nodes of a Cluster, is known to be nothing without asking Redis.
func TestImpossibleIDs(t *testing.T) {
	s := session.New(mustConnect(t, "redis://"+testserver.FreeAddr(t)), session.Options{})
	for _, id := range []string{"", "a{b", "a}b", "{}", strings.Repeat("x", 257)} {
		if _, err := s.Get(t.Context(), id, "alice"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("%q: got %v, want %v", id, err, upload.ErrNotFound)
		}
	}
	if _, err := s.Get(t.Context(), strings.Repeat("x", 256), "alice"); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("the longest: got %v, want %v", err, upload.ErrUnavailable)
	}
}

// TestNobodyListens makes sure that a Redis that is down is told at once.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	s := session.New(mustConnect(t, "redis://"+testserver.FreeAddr(t)), session.Options{})
	begin := time.Now()
	wantUnavailable(t, everyCall(t.Context(), s, "u"))
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestSilentRedis stops a server in its tracks: it takes connections and
// answers nothing.
func TestSilentRedis(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	s := session.New(mustConnect(t, server.URL+"?read_timeout=300ms"), session.Options{})
	patient := session.New(mustConnect(t, server.URL), session.Options{})
	u := mustFill(t, patient)
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	err := s.Ping(t.Context())
	if took := time.Since(begin); !errors.Is(err, upload.ErrUnavailable) || took > 5*time.Second {
		t.Errorf("got %v after %v, want %v within 3 tries of 300 ms", err, took, upload.ErrUnavailable)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Get(ctx, u.ID, "alice")
	if !errors.Is(err, upload.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v and %v", err, upload.ErrUnavailable, context.DeadlineExceeded)
	}
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if _, err := patient.Get(t.Context(), u.ID, "alice"); err != nil {
		t.Errorf("get, when it runs again: %v", err)
	}
}

// TestFullRedis makes sure that a Redis out of memory takes nothing, loses
// nothing, and still lets go of what it has.
func TestFullRedis(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	var ahead time.Duration
	s := session.New(client, session.Options{Durable: true, Ahead: func() time.Duration { return ahead }})
	u, committing := mustFill(t, s), mustFill(t, s)
	claim := upload.Commit{Runner: "r", Result: &upload.Object{Key: "k", Size: 9}}
	if _, _, err := s.BeginCommit(t.Context(), committing.ID, "alice", claim, time.Minute); err != nil {
		t.Fatalf("begin commit: %v", err)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}

	_, _, open := s.Open(t.Context(), upload.Session{ID: "new", Owner: "alice"}, time.Hour, 1)
	wantUnavailable(t, map[string]error{
		"open":       open,
		"put pieces": s.PutPieces(t.Context(), u.ID, "x", 0, [][]byte{{1}}, u.Expires),
		"advance":    s.Advance(t.Context(), upload.Advance{ID: u.ID, Attempt: "b", From: 9, To: 10}),
		"ping":       s.Ping(t.Context()),
	})
	got, err := s.Get(t.Context(), u.ID, "alice")
	if err != nil || got.Offset != u.Offset {
		t.Errorf("got offset %d (%v), want %d", got.Offset, err, u.Offset)
	}

	// What frees memory works: dropping a tail, ending a commit, the sweeper.
	next := upload.Advance{ID: u.ID, Attempt: "b", From: 9, To: 10, Drop: u.Tail}
	if err := s.Advance(t.Context(), next); err != nil {
		t.Errorf("advance over the tail: %v", err)
	}
	if err := s.EndCommit(t.Context(), committing.ID, claim); err != nil {
		t.Errorf("end commit: %v", err)
	}
	if _, err := s.Bury(t.Context(), u.ID, "alice"); err != nil {
		t.Errorf("bury: %v", err)
	}
	ahead = 49 * time.Hour
	if ids, err := s.Due(t.Context(), 0, time.Hour, 10); err != nil || len(ids) != 2 {
		t.Errorf("due: got %q, %v, want 2 ids", ids, err)
	}
	if err := s.Forget(t.Context(), u.ID); err != nil {
		t.Errorf("forget: %v", err)
	}
}

// TestPartsEvicted loses the list of parts to eviction: the record proves that
// accepted bytes are gone, to a chunk as to a commit.
func TestPartsEvicted(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	u := mustFill(t, s)
	_, n, err := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: 9})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Del(t.Context(), "chunkgate:{"+u.ID+"}:parts").Err(); err != nil {
		t.Fatal(err)
	}
	_, _, begin := s.Begin(t.Context(), upload.Begin{ID: u.ID, Owner: "alice", Offset: 9})
	_, parts := s.Parts(t.Context(), u.ID)
	advance := s.Advance(t.Context(), upload.Advance{ID: u.ID, Attempt: "b", Epoch: n.Epoch, From: 9, To: 10})
	for call, err := range map[string]error{"begin": begin, "parts": parts, "advance": advance} {
		if !errors.Is(err, upload.ErrDamaged) {
			t.Errorf("%s: got %v, want %v", call, err, upload.ErrDamaged)
		}
	}
}

// TestGarbageIsNoSession makes sure that a damaged record is neither served nor
// taken for an outage.
func TestGarbageIsNoSession(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{Durable: true})
	for field, value := range map[string]string{
		"state": "odd", "offset": "-1", "tail": "x", "expires": "soon", "sealed": "yes", "promised": "",
	} {
		u := mustFill(t, s)
		if err := client.HSet(t.Context(), "chunkgate:{"+u.ID+"}", field, value).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), u.ID, "alice"); err == nil || errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s = %q: got %v, want an error that no repeat mends", field, value, err)
		}
	}
	u := mustFill(t, s)
	if err := client.RPush(t.Context(), "chunkgate:{"+u.ID+"}:parts", "1,5,%22e%22,").Err(); err != nil {
		t.Fatal(err)
	}
	if parts, err := s.Parts(t.Context(), u.ID); err == nil {
		t.Errorf("got parts %v, want an error: part 1 is listed twice", parts)
	}
}
