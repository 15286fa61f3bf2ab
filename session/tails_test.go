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

func TestTails(t *testing.T) {
	server := testserver.StartRedis(t)
	uploadtest.TestTails(t, func(t *testing.T, ahead func() time.Duration) upload.Sessions {
		return session.New(mustConnect(t, server.URL), session.Options{Prefix: rand.Text() + ":", Ahead: ahead})
	})
}

// How full Redis is, is said of one that has a limit and may be asked.
func TestMemory(t *testing.T) {
	server := testserver.StartRedis(t)
	client := mustConnect(t, server.URL)
	s := session.New(client, session.Options{})
	if _, limit, err := s.Memory(t.Context()); limit != 0 || err != nil {
		t.Errorf("without maxmemory the limit is %d, %v; want none", limit, err)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory", "64mb").Err(); err != nil {
		t.Fatal(err)
	}
	if used, limit, err := s.Memory(t.Context()); used == 0 || limit != 64<<20 || err != nil {
		t.Errorf("used %d of %d, %v; want some of 64 MiB", used, limit, err)
	}
	if err := client.Do(t.Context(), "acl", "setuser", "default", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	if used, limit, err := s.Memory(t.Context()); used != 0 || limit != 0 || err != nil {
		t.Errorf("where INFO is denied: used %d of %d, %v; want nothing known", used, limit, err)
	}
}

// TestTailsOfMany: every tail is found, page after page, and then the first again.
func TestTailsOfMany(t *testing.T) {
	var ahead time.Duration
	s := session.New(mustConnect(t, testserver.StartRedis(t).URL), session.Options{Ahead: func() time.Duration { return ahead }})
	const all = 250
	for range all {
		mustFill(t, s)
	}
	ahead = time.Hour
	found := map[string]bool{}
	for from, pages := 0, 0; pages == 0 || from != 0; pages++ {
		idle, next, err := s.IdleTails(t.Context(), from, time.Minute)
		if err != nil || pages > all {
			t.Fatalf("page %d from %d: %v", pages, from, err)
		}
		for _, u := range idle {
			found[u.ID] = true
		}
		from = next
	}
	if len(found) != all {
		t.Errorf("found the tails of %d uploads, want %d", len(found), all)
	}
}
