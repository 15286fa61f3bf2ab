package session_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// forgetful is a connection that loses the next answer when told: the command
// arrives, is done, and the connection breaks.
type forgetful struct {
	net.Conn
	lose *atomic.Bool
}

func (c forgetful) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.lose.CompareAndSwap(true, false) {
		_ = c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// forgetting is a client of a server whose answer is lost when lose says so.
func forgetting(t *testing.T, server testserver.Redis) (client *redis.Client, lose *atomic.Bool) {
	t.Helper()
	lose = &atomic.Bool{}
	client = redis.NewClient(&redis.Options{
		PipelinePoolSize: -1,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", server.Addr)
			return forgetful{conn, lose}, err
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	return client, lose
}

// TestPiecesReadAgain: a connection that breaks under a tail is no reason to refuse a
// chunk, whose bytes may not come a second time.
func TestPiecesReadAgain(t *testing.T) {
	client, lose := forgetting(t, testserver.StartRedis(t))
	s := session.New(client, session.Options{})
	u := mustFill(t, s)
	lose.Store(true)
	into := make([]byte, 4)
	if err := s.GetPieces(t.Context(), u.ID, []upload.Piece{{Name: "a", Into: into}}); err != nil || string(into) != "tail" {
		t.Errorf("got %q, %v", into, err)
	}
	if lose.Load() {
		t.Error("no answer was lost")
	}
}

// TestAnswersLost loses the first answer to every call, so that each command is
// done twice: it must not show.
func TestAnswersLost(t *testing.T) {
	client, lose := forgetting(t, testserver.StartRedis(t))
	s := session.New(client, session.Options{Durable: true})
	mustFill(t, s) // Redis knows the scripts from now on

	ctx, now := t.Context(), time.Now()
	u := upload.Session{ID: "u", Owner: "alice"}
	claim := upload.Commit{Runner: "r", Terms: "t"}
	ended := claim
	ended.Result = &upload.Object{Key: "k", Size: 5, Modified: now}
	steps := []struct {
		name string
		do   func() error
	}{
		{"open", func() error { _, _, err := s.Open(ctx, u, time.Hour, 1); return err }},
		{"draw", func() error { _, err := s.Draw(ctx, u.ID, 1); return err }},
		{"put pieces", func() error { return s.PutPieces(ctx, u.ID, "a", 0, [][]byte{{1}}, now.Add(time.Hour)) }},
		{"advance", func() error {
			return s.Advance(ctx, upload.Advance{
				ID: u.ID, Attempt: "a", From: 0, To: 5, Parts: []upload.Part{{Number: 1, Size: 5}},
			})
		}},
		{"attach", func() error { _, err := s.Attach(ctx, u.ID, "m"); return err }},
		{"begin commit", func() error { _, _, err := s.BeginCommit(ctx, u.ID, "alice", claim, time.Minute); return err }},
		{"update commit", func() error { return s.UpdateCommit(ctx, u.ID, claim, time.Minute, false) }},
		{"reopen", func() error { return s.Reopen(ctx, u.ID, "r") }},
		{"begin commit again", func() error {
			claim.Runner, ended.Runner = "r2", "r2"
			_, _, err := s.BeginCommit(ctx, u.ID, "alice", claim, time.Minute)
			return err
		}},
		{"check parts", func() error {
			parts, err := s.Parts(ctx, u.ID)
			if err == nil && len(parts) != 1 {
				t.Errorf("got parts %v, want one", parts)
			}
			return err
		}},
		{"end commit", func() error { return s.EndCommit(ctx, u.ID, ended) }},
		{"bury", func() error { _, err := s.Bury(ctx, u.ID, "alice"); return err }},
		{"forget", func() error { return s.Forget(ctx, u.ID) }},
	}
	for _, step := range steps {
		lose.Store(true)
		err := step.do()
		if errors.Is(err, upload.ErrUnavailable) {
			err = step.do() // the client leaves repeating a transaction to us
		}
		if err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		if lose.Load() {
			t.Errorf("%s: no answer was lost", step.name)
		}
	}
}
