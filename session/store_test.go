package session_test

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestSessions(t *testing.T) {
	server := testserver.StartRedis(t)
	uploadtest.TestSessions(t, func(t *testing.T, ahead func() time.Duration) upload.Sessions {
		return session.New(mustConnect(t, server.URL), session.Options{Prefix: rand.Text() + ":", Ahead: ahead})
	})
}

func mustConnect(tb testing.TB, url string) redis.UniversalClient {
	tb.Helper()
	client, err := session.Connect(url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := client.Close(); err != nil {
			tb.Errorf("close client: %v", err)
		}
	})
	return client
}

// mustFill opens a session and gives it a part, a tail and pieces.
func mustFill(tb testing.TB, s *session.Store) upload.Session {
	tb.Helper()
	ctx := context.Background()
	u, numbers, err := s.Open(ctx, upload.Session{ID: rand.Text(), Owner: "alice", Key: "staging/x"}, 48*time.Hour, 1)
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	if err := s.PutPieces(ctx, u.ID, "a", 0, [][]byte{[]byte("tail")}, u.Expires); err != nil {
		tb.Fatalf("put pieces: %v", err)
	}
	u.Offset = 9
	u.Tail = []upload.Fragment{{Place: upload.InSessions, Name: "a", Size: 4, Piece: 4}}
	err = s.Advance(ctx, upload.Advance{
		ID: u.ID, Attempt: "a", Epoch: numbers.Epoch, From: 0, To: u.Offset,
		Parts: []upload.Part{{Number: 1, Size: 5, ETag: `"e"`}}, Tail: u.Tail,
	})
	if err != nil {
		tb.Fatalf("advance: %v", err)
	}
	return u
}

func mustKeys(tb testing.TB, client redis.UniversalClient) []string {
	tb.Helper()
	names, err := client.Keys(context.Background(), "*").Result()
	if err != nil {
		tb.Fatalf("keys: %v", err)
	}
	slices.Sort(names)
	return names
}

// TestKeysVanish makes sure that every key of a session ends by itself, a grace
// after the session's expiry.
func TestKeysVanish(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{Grace: time.Hour})
	u := mustFill(t, s)
	names := mustKeys(t, client)
	want := []string{"chunkgate:deadlines", "chunkgate:open", "chunkgate:{" + u.ID + "}", "chunkgate:{" + u.ID + "}:parts", "chunkgate:{" + u.ID + "}:tail"}
	if !slices.Equal(names, want) {
		t.Fatalf("got keys %q, want %q", names, want)
	}
	for _, name := range names[2:] {
		wantEnd(t, client, name, u.Expires.Add(time.Hour))
	}
}

// TestLatePieceVanishes makes sure that a writer who comes when the session is
// gone leaves nothing for ever.
func TestLatePieceVanishes(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	u := mustFill(t, s)
	if err := s.Forget(t.Context(), u.ID); err != nil {
		t.Fatalf("forget: %v", err)
	}
	if err := s.PutPieces(t.Context(), u.ID, "late", 0, [][]byte{[]byte("x")}, u.Expires); err != nil {
		t.Fatalf("put pieces: %v", err)
	}
	wantEnd(t, client, "chunkgate:{"+u.ID+"}:tail", u.Expires.Add(24*time.Hour))
}

// wantEnd makes sure that a key vanishes at a time, give or take rounding.
func wantEnd(t *testing.T, client redis.UniversalClient, name string, want time.Time) {
	t.Helper()
	left, err := client.PTTL(t.Context(), name).Result()
	if err != nil {
		t.Fatalf("pttl: %v", err)
	}
	if off := time.Until(want) - left; left <= 0 || off.Abs() > time.Minute {
		t.Errorf("%s vanishes in %v, want in %v", name, left, time.Until(want))
	}
}

// TestForgetLeavesNothing looks at everything in Redis, after each way a
// session can end.
func TestForgetLeavesNothing(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	committed, buried := mustFill(t, s), mustFill(t, s)
	mustFill(t, s) // stays

	commit := upload.Commit{Runner: "r", Result: &upload.Object{Key: "k", Size: 9}}
	if _, _, err := s.BeginCommit(t.Context(), committed.ID, "alice", commit, time.Minute); err != nil {
		t.Fatalf("begin commit: %v", err)
	}
	if err := s.EndCommit(t.Context(), committed.ID, commit); err != nil {
		t.Fatalf("end commit: %v", err)
	}
	if _, err := s.Bury(t.Context(), buried.ID, "alice"); err != nil {
		t.Fatalf("bury: %v", err)
	}
	for _, id := range []string{committed.ID, buried.ID} {
		if err := s.Forget(t.Context(), id); err != nil {
			t.Fatalf("forget: %v", err)
		}
		for _, name := range mustKeys(t, client) {
			if strings.Contains(name, id) {
				t.Errorf("key %s is left", name)
			}
		}
		if err := client.ZScore(t.Context(), "chunkgate:deadlines", id).Err(); err != redis.Nil {
			t.Errorf("deadline of %s: got %v, want %v", id, err, redis.Nil)
		}
	}
	if got := len(mustKeys(t, client)); got != 5 {
		t.Errorf("got %d keys, want those of the session that stays, deadlines and open", got)
	}
}

// TestOpenedTwice: an open that is repeated, as when its answer was lost, does not
// put off when the sweeper looks at the upload.
func TestOpenedTwice(t *testing.T) {
	var ahead time.Duration
	s := session.New(mustConnect(t, testserver.StartRedis(t).URL), session.Options{Ahead: func() time.Duration { return ahead }})
	u := upload.Session{ID: "u", Owner: "alice"}
	for range 2 {
		if _, _, err := s.Open(t.Context(), u, 48*time.Hour, 1); err != nil {
			t.Fatal(err)
		}
		ahead += time.Hour
	}
	if r, err := s.Record(t.Context(), u.ID); err != nil || r.Due.Sub(r.Expires).Abs() > time.Minute {
		t.Errorf("expires at %v, due at %v (%v)", r.Expires, r.Due, err)
	}
}
