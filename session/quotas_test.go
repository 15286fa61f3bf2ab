package session_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestQuotas(t *testing.T) {
	server := testserver.StartRedis(t)
	uploadtest.TestQuotas(t, func(t *testing.T) upload.Quotas {
		return session.New(mustConnect(t, server.URL), session.Options{Prefix: rand.Text() + ":"})
	})
}

// The count of an owner vanishes from Redis with the last of its uploads, even
// if nobody ever comes back.
func TestQuotasVanish(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	now := time.Now()
	last := now.Add(2 * time.Hour).Truncate(time.Millisecond)
	for id, expires := range map[string]time.Time{"a": now.Add(time.Hour), "b": last, "c": now.Add(time.Minute)} {
		if err := s.Claim(t.Context(), "alice", id, 0, now, expires); err != nil {
			t.Fatal(err)
		}
	}
	if got := client.PExpireTime(t.Context(), "chunkgate:open:alice").Val(); got.Milliseconds() != last.UnixMilli() {
		t.Errorf("vanishes at %v, want %v", time.UnixMilli(got.Milliseconds()), last)
	}
	for _, id := range []string{"a", "b", "c"} {
		if err := s.Release(t.Context(), "alice", id); err != nil {
			t.Fatal(err)
		}
	}
	if left := client.Keys(t.Context(), "*").Val(); len(left) > 0 {
		t.Errorf("left in Redis: %q", left)
	}
}
