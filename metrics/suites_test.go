package metrics_test

import (
	"crypto/rand"
	"testing"
	"time"

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
	uploadtest.TestSessions(t, func(t *testing.T, ahead func() time.Duration) upload.Sessions {
		return metrics.New().Sessions(mustSessions(t, server.URL, ahead))
	})
}

func TestSessionsInMemory(t *testing.T) {
	uploadtest.TestSessions(t, func(_ *testing.T, ahead func() time.Duration) upload.Sessions {
		s := uploadtest.NewSessions()
		s.Clock = func() time.Time { return time.Now().Add(ahead()) }
		return metrics.New().Sessions(s)
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

func mustSessions(tb testing.TB, url string, ahead func() time.Duration) *session.Store {
	tb.Helper()
	client, err := session.Connect(url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Close() })
	return session.New(client, session.Options{Prefix: rand.Text() + ":", Ahead: ahead})
}
