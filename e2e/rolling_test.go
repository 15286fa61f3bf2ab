package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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
	load := startK6(t, "resume", balancer,
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

// k6 is a load test at work.
type k6 struct {
	out     bytes.Buffer // not to be read before it has ended
	summary string
	ended   chan error
}

// startK6 runs a scenario against the balancer until it or the test ends. It
// returns once the reference is taken and the load has begun.
func startK6(t *testing.T, scenario string, b testserver.Balancer, env ...string) *k6 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	dir := t.TempDir()
	k := &k6{summary: filepath.Join(dir, "summary.json"), ended: make(chan error, 1)}
	console := filepath.Join(dir, "console")
	cmd := exec.CommandContext(ctx, testserver.Tool(t, "k6", "k6"), "run", "--quiet",
		"--summary-export", k.summary, "--console-output", console, filepath.Join(testserver.Root(t), "k6", scenario+".js"))
	cmd.Env = append(os.Environ(), append([]string{
		"BASE_URL=" + b.BaseURL, "TOKEN=" + testserver.Token, "LOAD_LINK=" + testserver.StartToxiproxy(t).API, "K6_NO_USAGE_REPORT=true",
	}, env...)...)
	cmd.Stdout, cmd.Stderr = &k.out, &k.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { k.ended <- cmd.Wait() }()
	k.await(t, func() bool {
		said, err := os.ReadFile(console)
		return err == nil && bytes.Contains(said, []byte("reference:"))
	})
	return k
}

// await waits for what is to happen during the load.
func (k *k6) await(t *testing.T, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case err := <-k.ended:
			t.Fatalf("k6 ended too early: %v\n%s", err, k.out.String())
		case <-tick.C:
		}
	}
}

// finish waits for the end, where all of k6's thresholds must hold, and
// answers what it counted.
func (k *k6) finish(t *testing.T) (count func(metric string) float64) {
	t.Helper()
	if err := <-k.ended; err != nil {
		t.Errorf("k6: %v\n%s", err, k.out.String())
	}
	b, err := os.ReadFile(k.summary)
	if err != nil {
		t.Fatal(err)
	}
	var summary struct {
		Metrics map[string]struct{ Count float64 }
	}
	if err := json.Unmarshal(b, &summary); err != nil {
		t.Fatal(err)
	}
	return func(metric string) float64 { return summary.Metrics[metric].Count }
}
