package metrics_test

import (
	"crypto/rand"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/metrics"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// The decorators keep the contracts: over Redis and MinIO, and over the stores
// in memory, which are stricter.

func TestSessions(t *testing.T) {
	server := testserver.StartRedis(t)
	uploadtest.TestSessions(t, func(t *testing.T) upload.Sessions {
		return metrics.New().Sessions(mustSessions(t, server.URL))
	})
}

func TestSessionsInMemory(t *testing.T) {
	uploadtest.TestSessions(t, func(*testing.T) upload.Sessions {
		return metrics.New().Sessions(uploadtest.NewSessions())
	})
}

func TestObjects(t *testing.T) {
	store := testserver.MinIO(t)
	uploadtest.TestObjects(t, func(t *testing.T) upload.Objects {
		return metrics.New().Objects(teststore.Open(t, store))
	})
}

func TestFiles(t *testing.T) {
	uploadtest.TestFiles(t, func(*testing.T) upload.Files {
		return metrics.New().Files(uploadtest.NewObjects())
	})
}

func mustSessions(tb testing.TB, url string) *session.Store {
	tb.Helper()
	client, err := session.Connect(url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return session.New(client, session.Options{Prefix: rand.Text() + ":"})
}
