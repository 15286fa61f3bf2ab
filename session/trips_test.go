package session_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// trips counts what goes to Redis and back: a command or a pipeline is one.
type trips struct{ n atomic.Int64 }

func (h *trips) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.n.Add(1)
		return next(ctx, cmd)
	}
}

func (h *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h.n.Add(1)
		return next(ctx, cmds)
	}
}

// TestRoundTrips counts those of a chunk, once Redis knows the scripts.
func TestRoundTrips(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{Durable: true})
	ctx := t.Context()
	u := mustFill(t, s)
	steps := []struct {
		name string
		want int64
		do   func() error
	}{
		{"begin", 1, func() error {
			_, _, err := s.Begin(ctx, upload.Begin{ID: u.ID, Owner: "alice", Offset: upload.AnyOffset, Wanted: 2})
			return err
		}},
		{"draw", 1, func() error { _, err := s.Draw(ctx, u.ID, 1); return err }},
		{"attach", 1, func() error { _, err := s.Attach(ctx, u.ID, "multipart"); return err }},
		{"put pieces", 1, func() error {
			pieces := make([][]byte, 32)
			for i := range pieces {
				pieces[i] = make([]byte, 256<<10)
			}
			return s.PutPieces(ctx, u.ID, "b", 0, pieces, u.Expires)
		}},
		{"get pieces", 1, func() error {
			pieces := make([]upload.Piece, 32)
			for i := range pieces {
				pieces[i] = upload.Piece{Name: "b", Number: i, Into: make([]byte, 256<<10)}
			}
			return s.GetPieces(ctx, u.ID, pieces)
		}},
		{"advance", 1, func() error {
			return s.Advance(ctx, upload.Advance{
				ID: u.ID, Attempt: "b", From: 9, To: 10 << 20, Drop: u.Tail,
				UploadID: "multipart", Parts: []upload.Part{{Number: 2, Size: 2<<20 - 5}},
				Tail: []upload.Fragment{{Place: upload.InSessions, Name: "b", Size: 8 << 20, Piece: 256 << 10}},
			})
		}},
		{"get", 1, func() error { _, err := s.Get(ctx, u.ID, "alice"); return err }},
		{"parts", 1, func() error { _, err := s.Parts(ctx, u.ID); return err }},
		{"drop pieces", 1, func() error { return s.DropPieces(ctx, u.ID, u.Tail) }},
		{"open", 2, func() error {
			other := u
			other.ID = "other"
			_, _, err := s.Open(ctx, other, time.Hour, 1)
			return err
		}},
		{"claim", 1, func() error { return s.Claim(ctx, "alice", u.ID, 9, time.Hour) }},
		{"suspect", 1, func() error { _, err := s.Suspect(ctx, u.ID, "why", false); return err }},
		{"overdue", 1, func() error { _, err := s.Overdue(ctx); return err }},
		{"due", 1, func() error { _, err := s.Due(ctx, time.Hour, time.Hour, 9); return err }},
		{"adopt", 1, func() error { _, err := s.Adopt(ctx, []string{"a", "b"}, time.Hour); return err }},
		{"count", 1, func() error { _, err := s.Count(ctx); return err }},
		{"forget", 2, func() error { return s.Forget(ctx, u.ID) }},
	}
	count := &trips{}
	client.AddHook(count)
	for _, step := range steps {
		for _, warm := range []bool{false, true} {
			before := count.n.Load()
			if err := step.do(); err != nil && !warm {
				t.Fatalf("%s: %v", step.name, err)
			}
			if got := count.n.Load() - before; warm && got != step.want {
				t.Errorf("%s: got %d round trips, want %d", step.name, got, step.want)
			}
		}
	}
}
