package session_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// BenchmarkSweepCommitted is what one committed upload costs the sweeper, on a
// real Redis: the rate that one replica keeps up with is its inverse.
func BenchmarkSweepCommitted(b *testing.B) {
	var ahead atomic.Int64
	s := session.New(mustConnect(b, testserver.StartRedis(b).URL), session.Options{
		Ahead: func() time.Duration { return time.Duration(ahead.Load()) },
	})
	e := upload.New(upload.Config{
		Sessions: s, Objects: uploadtest.NewObjects(), Limits: upload.S3Limits(),
		TTL: time.Hour, StagingPrefix: ".x/", TailInSessions: 1 << 20, BufferMemory: 1 << 20,
	})
	for i := range b.N {
		mustCommit(b, s, fmt.Sprint("upload-", i))
	}
	ahead.Store(int64(3 * time.Hour))
	b.ResetTimer()
	if n, err := e.Sweep(b.Context()); n != b.N || err != nil {
		b.Fatalf("swept %d of %d, %v", n, b.N, err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "uploads/s")
}

// TestOverdue: what waits for the sweeper is what it is given.
func TestOverdue(t *testing.T) {
	var ahead atomic.Int64
	s := session.New(mustConnect(t, testserver.StartRedis(t).URL), session.Options{
		Ahead: func() time.Duration { return time.Duration(ahead.Load()) },
	})
	for _, id := range []string{"a", "b", "c"} {
		mustCommit(t, s, id)
	}
	want := func(want int64) {
		t.Helper()
		if n, err := s.Overdue(t.Context()); n != want || err != nil {
			t.Errorf("%d are due, %v, want %d", n, err, want)
		}
	}
	want(0)
	ahead.Store(int64(time.Hour + upload.SweepDelay + time.Second))
	want(3)
	if ids, err := s.Due(t.Context(), upload.SweepDelay, time.Hour, 2); len(ids) != 2 || err != nil {
		t.Fatalf("got %q, %v", ids, err)
	}
	want(1)
}

// mustCommit opens and commits an upload of no bytes that lives for an hour.
func mustCommit(tb testing.TB, s *session.Store, id string) {
	tb.Helper()
	if _, _, err := s.Open(tb.Context(), upload.Session{ID: id, Owner: "ada", Key: "k"}, time.Hour, 0); err != nil {
		tb.Fatal(err)
	}
	c := upload.Commit{Terms: "t", Key: "file", Runner: "r", Result: &upload.Object{Key: "file"}, Tidied: true}
	if _, _, err := s.BeginCommit(tb.Context(), id, "ada", c, time.Minute); err != nil {
		tb.Fatal(err)
	}
	if err := s.EndCommit(tb.Context(), id, c); err != nil {
		tb.Fatal(err)
	}
}
