package session_test

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// TestLaggingReplica: a connection that leads to a replica, as behind an address
// that moves, is told of no upload. A client would start again, and its bytes
// would be left to the sweeper.
func TestLaggingReplica(t *testing.T) {
	replica := testserver.StartRedis(t, "--replicaof", "127.0.0.1", "1") // of nobody: it has heard of nothing
	s, ctx := session.New(mustConnect(t, replica.URL), session.Options{}), t.Context()
	commit := upload.Commit{Runner: "r", Terms: "t", Key: "k"}
	for name, ask := range map[string]func() error{
		"get":    func() error { _, err := s.Get(ctx, "u", "alice"); return err },
		"begin":  func() error { _, _, err := s.Begin(ctx, upload.Begin{ID: "u", Owner: "alice"}); return err },
		"draw":   func() error { _, err := s.Draw(ctx, "u", 1); return err },
		"attach": func() error { _, err := s.Attach(ctx, "u", "m"); return err },
		"parts":  func() error { _, err := s.Parts(ctx, "u"); return err },
		"commit": func() error { _, _, err := s.BeginCommit(ctx, "u", "alice", commit, time.Minute); return err },
		"bury":   func() error { _, err := s.Bury(ctx, "u", "alice"); return err },
	} {
		if err := ask(); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: %v, want upload.ErrUnavailable", name, err)
		}
	}
}

// TestReplicaTellsNoLoss: nor does a replica that has heard of an upload say that
// it has expired, by a clock of its own, or that it has forgotten what a client was
// told.
func TestReplicaTellsNoLoss(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	s, ctx := session.New(client, session.Options{}), t.Context()
	u := mustFill(t, s)
	follower := startReplica(t, server, client) // from here on the epoch is another, but everything is known
	wantDoubt(t, s, u.ID, false)
	if err := client.HSet(ctx, "chunkgate:{"+u.ID+"}", "born", "another").Err(); err != nil { // a failover long ago
		t.Fatal(err)
	}
	inStep(t, client, follower)

	there := mustConnect(t, follower.URL)
	late := session.New(there, session.Options{Ahead: func() time.Duration { return 1000 * time.Hour }})
	for name, ask := range map[string]func() error{
		"expired": func() error { _, err := late.Get(ctx, u.ID, "alice"); return err },
		"ahead": func() error {
			_, _, err := session.New(there, session.Options{}).Begin(ctx, upload.Begin{ID: u.ID, Owner: "alice", Offset: 12})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: %v, want upload.ErrUnavailable", name, err)
		}
	}
}

// TestReplicated: with the replica that is asked for everything works, also in a Redis
// that does not know the scripts yet.
func TestReplicated(t *testing.T) {
	server := testserver.StartRedis(t)
	startReplica(t, server, mustConnect(t, server.URL))
	s := session.New(mustConnect(t, server.URL+"?read_timeout=30s"), session.Options{Replicas: 1})
	u := mustFill(t, s)
	if got, err := s.Get(t.Context(), u.ID, "alice"); err != nil || got.Offset != u.Offset {
		t.Errorf("got offset %d (%v), want %d", got.Offset, err, u.Offset)
	}
}

// TestRepeatsWait: what no replica has acknowledged is not told as done because
// it is asked for once more, over another connection.
func TestRepeatsWait(t *testing.T) {
	t.Parallel()
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	replica := startReplica(t, server, client)
	s, ctx := session.New(client, session.Options{}), t.Context()
	claim := upload.Commit{Runner: "r", Terms: "t", Key: "k"}
	ended := claim
	ended.Result = &upload.Object{Key: "k", Size: 9, Modified: time.Now()}
	type step struct {
		name    string
		commits bool // it is claimed before
		do      func(*session.Store, upload.Session) error
	}
	steps := []step{
		{"open", false, func(s *session.Store, u upload.Session) error { _, _, err := s.Open(ctx, u, time.Hour, 1); return err }},
		{"attach", false, func(s *session.Store, u upload.Session) error { _, err := s.Attach(ctx, u.ID, "m"); return err }},
		{"advance", false, func(s *session.Store, u upload.Session) error {
			_, n, err := s.Begin(ctx, upload.Begin{ID: u.ID, Owner: "alice", Offset: upload.AnyOffset})
			if err == nil {
				t.Errorf("begin: told as done")
			}
			return s.Advance(ctx, upload.Advance{ID: u.ID, Attempt: "b", Epoch: n.Epoch, From: 9, To: 10})
		}},
		{"suspect", false, func(s *session.Store, u upload.Session) error {
			_, err := s.Suspect(ctx, u.ID, "gone", true)
			return err
		}},
		{"begin commit", false, func(s *session.Store, u upload.Session) error {
			_, _, err := s.BeginCommit(ctx, u.ID, "alice", claim, time.Minute)
			return err
		}},
		{"update commit", true, func(s *session.Store, u upload.Session) error {
			return s.UpdateCommit(ctx, u.ID, claim, time.Minute, true)
		}},
		{"end commit", true, func(s *session.Store, u upload.Session) error { return s.EndCommit(ctx, u.ID, ended) }},
		{"reopen", true, func(s *session.Store, u upload.Session) error { return s.Reopen(ctx, u.ID, "r") }},
		{"bury", false, func(s *session.Store, u upload.Session) error { _, err := s.Bury(ctx, u.ID, "alice"); return err }},
	}
	uploads := make([]upload.Session, len(steps))
	for i, step := range steps {
		uploads[i] = mustFill(t, s)
		if !step.commits {
			continue
		}
		if _, _, err := s.BeginCommit(ctx, uploads[i].ID, "alice", claim, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := replica.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() {
			for try := range 2 {
				err := step.do(session.New(mustConnect(t, server.URL), session.Options{Replicas: 1}), uploads[i])
				if !errors.Is(err, upload.ErrUnavailable) {
					t.Errorf("%s, try %d: got %v, want %v", step.name, try, err, upload.ErrUnavailable)
				}
			}
		})
	}
	all.Wait()
}
