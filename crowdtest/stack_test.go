package crowdtest

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// serveHere runs the program's packages in this process until the test ends.
func serveHere(t *testing.T, store testserver.Store) (addr string) {
	t.Helper()
	redis, err := session.Connect(testserver.StartRedis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = redis.Close() })
	objects := teststore.Open(t, store)
	log := slog.New(slog.DiscardHandler)
	engine := teststore.Config(session.New(redis, session.Options{}), objects)
	engine.BufferMemory, engine.Log = buffers, log
	server := proxy.New(proxy.Config{
		Engine: upload.New(engine), Files: objects, Auth: proxy.Anyone(),
		KeyPrefix: testserver.KeyPrefix, StagingPrefix: engine.StagingPrefix, BodyIdle: idle, Log: log,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, time.Minute) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// atWork says what the goroutines that serve requests are doing: those of the
// server's connections, and all that our packages have started for them. What
// listens, and idle connections to the stores, are not among them.
func atWork() []string {
	all := make([]byte, 64<<20)
	all = all[:runtime.Stack(all, true)]
	var busy []string
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		served := strings.Contains(stack, "net/http.(*conn).serve")
		for _, own := range []string{"proxy", "upload", "s3backend", "session"} {
			served = served || strings.Contains(stack, "chunkgate/chunkgate/"+own+".")
		}
		if served && !strings.Contains(stack, "proxy.(*Server).Serve") && !strings.Contains(stack, "crowdtest.") {
			busy = append(busy, stack)
		}
	}
	return busy
}

// heap is what this process keeps when the garbage is collected, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools hold goes by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
