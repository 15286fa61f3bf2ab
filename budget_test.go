package chunkgate_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// budgets are what a chunk may cost in steady state (DESIGN.md section 9), on
// the real servers: counts that are the same on every machine. What a chunk
// allocates and buffers is upload's own budget_test.go.
var budgets = []struct {
	name     string
	chunk    int
	parallel int
	s3       float64 // requests a chunk
	redis    float64 // round trips a chunk
	spilling bool    // tails go to the object store: Redis is filling up
	bytes    float64 // sent to S3 for each byte received, framing and checksum included
}{
	{"4 MiB, the usual size", 4 << 20, 1, 0.5, 3, false, 1.0001},
	{"4 MiB while Redis is filling up", 4 << 20, 1, 2, 2, true, 1.5001},
	{"8 MiB", 8 << 20, 1, 1, 2, false, 1.0001},
	{"32 MiB in parts at once", 32 << 20, 3, 3, 3, false, 1.0001},
}

func TestBudget(t *testing.T) {
	store := testserver.MinIO(t)
	redis := testserver.StartRedis(t)
	for _, b := range budgets {
		t.Run(b.name, func(t *testing.T) {
			var sent traffic
			client, err := session.Connect(redis.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			trips := &roundTrips{}
			client.AddHook(trips)
			objects, err := s3backend.New(t.Context(), s3backend.Config{
				Endpoint: counting(t, store.Endpoint, &sent), Bucket: store.Bucket, PathStyle: true,
				AccessKey: store.AccessKey, SecretKey: store.SecretKey,
			})
			if err != nil {
				t.Fatal(err)
			}
			sessions := session.New(client, session.Options{})
			engine := upload.New(upload.Config{
				Sessions: sessions, Objects: objects, Limits: upload.S3Limits(),
				Tails: full{Store: sessions, is: b.spilling}, TailShare: 70,
				TTL: time.Hour, StagingPrefix: ".chunkgate/", TailInSessions: 8 << 20, BufferMemory: 64 << 20,
				PartsParallel: b.parallel,
			})

			if _, err := engine.MoveTails(t.Context()); err != nil {
				t.Fatal(err)
			}

			chunk := make([]byte, b.chunk)
			var status upload.Status
			put := func() {
				t.Helper()
				if status, err = engine.Append(t.Context(), upload.Chunk{
					ID: status.ID, Offset: status.Offset, Length: int64(len(chunk)), Body: bytes.NewReader(chunk),
				}); err != nil {
					t.Fatal(err)
				}
			}
			for range 4 { // scripts are loaded, the multipart upload is opened
				put()
			}
			const chunks = 20
			sent.reset()
			trips.n.Store(0)
			for range chunks {
				put()
			}
			holds(t, "S3 requests a chunk", float64(sent.requests.Load())/chunks, b.s3)
			holds(t, "Redis round trips a chunk", float64(trips.n.Load())/chunks, b.redis)
			holds(t, "bytes to S3 for each byte received", float64(sent.bytes.Load())/chunks/float64(b.chunk), b.bytes)
		})
	}
}

// full is Redis as its memory is said to be.
type full struct {
	*session.Store
	is bool
}

func (f full) Memory(context.Context) (used, limit int64, err error) {
	if f.is {
		return 1, 1, nil
	}
	return 0, 1, nil
}

// holds says that a count is within its budget; none at all was not counted.
func holds(t *testing.T, what string, got, most float64) {
	t.Helper()
	t.Logf("%.4f %s", got, what)
	if got > most || got == 0 {
		t.Errorf("%.4f %s, want at most %.4f", got, what, most)
	}
}

// traffic is what a server was sent.
type traffic struct{ requests, bytes atomic.Int64 }

func (t *traffic) reset() {
	t.requests.Store(0)
	t.bytes.Store(0)
}

// counting is a proxy in front of an HTTP server that counts what passes.
func counting(t *testing.T, endpoint string, sent *traffic) string {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.requests.Add(1)
		sent.bytes.Add(max(0, r.ContentLength))
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// roundTrips counts what goes to Redis: a command is one, and so is a pipeline.
type roundTrips struct{ n atomic.Int64 }

func (h *roundTrips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *roundTrips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.n.Add(1)
		return next(ctx, cmd)
	}
}

func (h *roundTrips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		h.n.Add(1)
		return next(ctx, cmds)
	}
}
