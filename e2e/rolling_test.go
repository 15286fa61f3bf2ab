package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// TestRollingRestart: three proxies behind the balancer of deploy/ are
// restarted one after another while k6 uploads over slow lines, with all the
// trouble of its scenario `resume`. Chunks are cut, since they take longer than
// the proxies get to finish; no upload fails.
func TestRollingRestart(t *testing.T) {
	store, redis, program := testserver.MinIO(t), testserver.StartRedis(t), testserver.Build(t)
	var proxies [3]testserver.Proxy
	for n := range proxies {
		proxies[n] = testserver.Serve(t, program, store, redis, "CHUNKGATE_SHUTDOWN_TIMEOUT=100ms")
	}
	balancer := testserver.StartBalancer(t, proxies[:]...)
	load := startK6(t, "resume", balancer.BaseURL, "LOAD_LINK="+testserver.StartToxiproxy(t).API,
		"LOAD_SECONDS=20", "LOAD_VUS=8", "LOAD_FILE_MB=7.5", "LOAD_CHUNK_MB=1", "LOAD_LINK_KBPS=2048",
		"LOAD_TROUBLE=0.2", "LOAD_FAILED=1", "LOAD_SLOWDOWN=100")

	interrupted := 0
	for n := range proxies {
		p := &proxies[n]
		at := requests(p)
		load.await(t, func() bool { return requests(p) > at+2 })
		before := requests(p)
		signal(t, p.Process, syscall.SIGTERM)
		select {
		case <-p.Exited():
		case <-time.After(30 * time.Second):
			t.Fatal("the program does not end")
		}
		interrupted += requests(p) - before
		p.Restart(t)
	}
	for n := range proxies {
		load.await(t, func() bool { return requests(&proxies[n]) > 0 })
	}
	count := load.finish(t)
	t.Logf("3 restarts under %d chunks: %v uploads, %v requests repeated, %v chunks counted unanswered",
		interrupted, count("uploads_committed"), count("requests_repeated"), count("chunks_counted_unanswered"))
	if count("uploads_failed") != 0 || count("content_mismatches") != 0 || count("offsets_went_back") != 0 {
		t.Error("uploads failed")
	}
	if begun, committed := count("uploads_begun"), count("uploads_committed"); begun == 0 || begun != committed {
		t.Errorf("%v uploads were begun, %v committed", begun, committed)
	}
	if interrupted == 0 || count("requests_repeated") == 0 {
		t.Error("the restarts went unnoticed")
	}
}

// requests is how many requests for chunks a process has ended, by its log.
func requests(p *testserver.Proxy) int {
	return strings.Count(p.Output(), `"/1/chunked_upload"`)
}
