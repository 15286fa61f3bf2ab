package metrics_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/metrics"
	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/upload"
)

const mib = 1 << 20

// watched is a proxy over the real stores, all of it watched.
type watched struct {
	*httptest.Server
	metrics *metrics.Metrics
	engine  *upload.Engine
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{metrics: metrics.New()}
	sessions, objects := mustSessions(t, testserver.StartRedis(t).URL, nil), teststore.Open(t, testserver.MinIO(t))
	c := teststore.Config(w.metrics.Sessions(sessions), objects)
	c.Objects, c.Observer, c.Quotas = w.metrics.Objects(objects), w.metrics.Engine, sessions
	w.engine = upload.New(c)
	w.metrics.Engine.WatchBuffers(w.engine.Buffers)
	w.metrics.WatchUploads(sessions.Count)
	w.metrics.WatchSweep(sessions.Overdue)
	auth, err := proxy.ParseTokens(strings.NewReader(
		"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 ada ada/\n")) // "test"
	if err != nil {
		t.Fatal(err)
	}
	w.Server = httptest.NewServer(proxy.New(proxy.Config{
		Engine: w.engine, Files: w.metrics.Files(objects), Auth: auth, StagingPrefix: c.StagingPrefix,
		Observer: w.metrics.Requests, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(w.Close)
	return w
}

// awaitIdle waits until every request that was answered is counted, too.
func (w *watched) awaitIdle(t *testing.T) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); scrape(t, w.metrics)["chunkgate_requests_in_flight"] > 0; {
		if time.Now().After(late) {
			t.Fatal("requests are in flight for ever")
		}
		runtime.Gosched()
	}
}

// do sends a request and wants a status.
func (w *watched) do(t *testing.T, status int, method, target string, body int) string {
	t.Helper()
	r, err := http.NewRequest(method, w.URL+target, bytes.NewReader(make([]byte, body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer test")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		t.Fatalf("%s %s: %s, want %d: %s, %v", method, target, answer.Status, status, text, err)
	}
	return string(text)
}

// chunk sends one and answers the upload's id.
func (w *watched) chunk(t *testing.T, query string, size int) string {
	t.Helper()
	_, id, _ := strings.Cut(w.do(t, http.StatusOK, http.MethodPut, "/1/chunked_upload?"+query, size), `"upload_id": "`)
	id, _, _ = strings.Cut(id, `"`)
	return url.QueryEscape(id)
}

// A scripted day on the real stores, counted exactly: testdata/script.txt has
// every series that is not zero, but for times.
func TestScript(t *testing.T) {
	w := newWatched(t)
	copied := w.chunk(t, "", 4*mib)                                         // all tail
	w.chunk(t, "offset=4194304&upload_id="+copied, 4*mib)                   // one part with the tail
	w.do(t, 400, "PUT", "/1/chunked_upload?offset=7&upload_id="+copied, 10) // misplaced
	w.do(t, 200, "POST", "/1/commit_chunked_upload/auto/copied?upload_id="+copied, 0)
	promised := w.chunk(t, "path=/promised", 6*mib) // one part
	w.do(t, 200, "POST", "/1/commit_chunked_upload/auto/promised?upload_id="+promised, 0)
	single := w.chunk(t, "", 10) // all tail
	w.do(t, 409, "POST", "/1/commit_chunked_upload/auto/copied?overwrite=false&autorename=false&upload_id="+single, 0)
	w.do(t, 200, "POST", "/1/commit_chunked_upload/auto/single?upload_id="+single, 0)
	w.do(t, 200, "PUT", "/1/files_put/auto/streamed", 1000)
	w.do(t, 200, "GET", "/1/files/auto/streamed", 0)
	discarded := w.chunk(t, "", 20)
	w.do(t, 200, "DELETE", "/1/chunked_upload?upload_id="+discarded, 0)
	w.chunk(t, "", 30) // stays open
	if _, err := w.engine.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}

	w.awaitIdle(t)
	var got []string
	for series, value := range scrape(t, w.metrics) {
		timed := strings.Contains(series, "_seconds_sum") || strings.Contains(series, "_seconds_bucket") || strings.Contains(series, "_timestamp_") || strings.Contains(series, "_request_duration_")
		if value != 0 && !timed && !strings.HasPrefix(series, "chunkgate_build_info") {
			got = append(got, fmt.Sprintf("%s %.0f\n", series, value))
		}
	}
	slices.Sort(got)
	want, err := os.ReadFile("testdata/script.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), strings.Join(got, "")); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
	if at := scrape(t, w.metrics)["chunkgate_last_sweep_timestamp_seconds"]; time.Since(time.Unix(int64(at), 0)) > time.Minute {
		t.Errorf("last sweep was at %v", at)
	}
}
