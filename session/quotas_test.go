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
	uploadtest.TestQuotas(t, func(t *testing.T, ahead func() time.Duration) upload.Quotas {
		return session.New(mustConnect(t, server.URL), session.Options{Prefix: rand.Text() + ":", Ahead: ahead})
	})
}

// The count of an owner vanishes from Redis with the last of its uploads, even
// if nobody ever comes back.
func TestQuotasVanish(t *testing.T) {
	client := mustConnect(t, testserver.StartRedis(t).URL)
	s := session.New(client, session.Options{})
	for id, ttl := range map[string]time.Duration{"a": time.Hour, "b": 2 * time.Hour, "c": time.Minute} {
		if err := s.Claim(t.Context(), "alice", id, 0, ttl); err != nil {
			t.Fatal(err)
		}
	}
	wantEnd(t, client, "chunkgate:open:alice", time.Now().Add(2*time.Hour))
	for _, id := range []string{"a", "b", "c"} {
		if err := s.Release(t.Context(), "alice", id); err != nil {
			t.Fatal(err)
		}
	}
	if left := client.Keys(t.Context(), "*").Val(); len(left) > 0 {
		t.Errorf("left in Redis: %q", left)
	}
}
