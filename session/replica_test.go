package session_test

import (
	"errors"
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
