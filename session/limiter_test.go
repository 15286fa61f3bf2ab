package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// Two proxies count together, owners each for themselves. Redis's own clock
// decides, so only what is true at any pace is asked for.
func TestLimiter(t *testing.T) {
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	replicas := []*session.Limiter{session.NewLimiter(client, ""), session.NewLimiter(mustConnect(t, server.URL), "")}
	const rate, tries = 5, 100
	began, allowed := time.Now(), 0
	for i := range tries {
		wait, err := replicas[i%2].Allow(t.Context(), "greedy", rate)
		switch {
		case err != nil:
			t.Fatal(err)
		case wait == 0:
			allowed++
		case wait > time.Second:
			t.Errorf("has to wait for %v, more than a second", wait)
		}
	}
	most := rate + int(time.Since(began).Seconds()*rate) + 1
	if allowed < rate || allowed > most {
		t.Errorf("%d requests were allowed, want from %d to %d", allowed, rate, most)
	}
	if wait, err := replicas[0].Allow(t.Context(), "other", rate); wait != 0 || err != nil {
		t.Errorf("another owner has to wait for %v, %v", wait, err)
	}
	for _, key := range client.Keys(t.Context(), "*").Val() { // some of them, if time has passed
		if !strings.HasPrefix(key, "chunkgate:rate:") {
			t.Errorf("the key %q is not under the prefix", key)
		}
		if ttl := client.TTL(t.Context(), key).Val(); ttl == -1 || ttl > 2*time.Second { // -1: never
			t.Errorf("%s vanishes after %v", key, ttl)
		}
	}
}

func TestLimiterUnavailable(t *testing.T) {
	l := session.NewLimiter(mustConnect(t, "redis://"+testserver.FreeAddr(t)), "")
	if _, err := l.Allow(t.Context(), "ada", 1); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
	}
}
