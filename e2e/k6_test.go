package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// k6 is a load test at work.
type k6 struct {
	out     bytes.Buffer // not to be read before it has ended
	summary string
	ended   chan error
}

// startK6 runs a scenario against the server at base until it or the test ends.
// It returns once the reference is taken and the load has begun.
func startK6(t *testing.T, scenario, base string, env ...string) *k6 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	dir := t.TempDir()
	k := &k6{summary: filepath.Join(dir, "summary.json"), ended: make(chan error, 1)}
	console := filepath.Join(dir, "console")
	cmd := exec.CommandContext(ctx, testserver.Tool(t, "k6", "k6"), "run", "--quiet",
		"--summary-export", k.summary, "--console-output", console, filepath.Join(testserver.Root(t), "k6", scenario+".js"))
	cmd.Env = append(os.Environ(), append([]string{
		"BASE_URL=" + base, "TOKEN=" + testserver.Token, "K6_NO_USAGE_REPORT=true",
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
	return k.counted(t)
}

// counted is what it counted, once it has ended.
func (k *k6) counted(t *testing.T) (count func(metric string) float64) {
	t.Helper()
	b, err := os.ReadFile(k.summary)
	if err != nil {
		t.Fatalf("%v\n%s", err, k.out.String())
	}
	var summary struct {
		Metrics map[string]struct{ Count float64 }
	}
	if err := json.Unmarshal(b, &summary); err != nil {
		t.Fatal(err)
	}
	return func(metric string) float64 { return summary.Metrics[metric].Count }
}
