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

// What a chunk of 4 MiB, the usual size, may cost in steady state (DESIGN.md
// section 9), on the real servers.
const (
	s3PerChunk    = 0.5
	redisPerChunk = 3.0
)

func TestBudget(t *testing.T) {
	store := testserver.MinIO(t)
	var s3 atomic.Int64
	endpoint := counting(t, store.Endpoint, &s3)
	client, err := session.Connect(testserver.StartRedis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	trips := &roundTrips{}
	client.AddHook(trips)
	objects, err := s3backend.New(t.Context(), s3backend.Config{
		Endpoint: endpoint, Bucket: store.Bucket, PathStyle: true,
		AccessKey: store.AccessKey, SecretKey: store.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	engine := upload.New(upload.Config{
		Sessions: session.New(client, session.Options{}), Objects: objects, Limits: upload.S3Limits(),
		TTL: time.Hour, StagingPrefix: ".chunkgate/", TailInSessions: 8 << 20, BufferMemory: 64 << 20,
	})

	chunk := make([]byte, 4<<20)
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
	const chunks = 40
	s3.Store(0)
	trips.n.Store(0)
	for range chunks {
		put()
	}
	gotS3, gotRedis := float64(s3.Load())/chunks, float64(trips.n.Load())/chunks
	t.Logf("a chunk of 4 MiB costs %.2f S3 requests and %.2f Redis round trips", gotS3, gotRedis)
	if gotS3 > s3PerChunk || gotS3 == 0 {
		t.Errorf("%.2f S3 requests a chunk, want at most %.2f", gotS3, s3PerChunk)
	}
	if gotRedis > redisPerChunk || gotRedis == 0 {
		t.Errorf("%.2f Redis round trips a chunk, want at most %.2f", gotRedis, redisPerChunk)
	}
}

// counting is a proxy in front of an HTTP server that counts requests.
func counting(t *testing.T, endpoint string, n *atomic.Int64) string {
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
		n.Add(1)
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
