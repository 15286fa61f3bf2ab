package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/metrics"
	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// closed are all values that each label may ever have.
var closed = map[string][]string{
	"kind":   {"destination", "offset"},
	"method": {"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "other"},
	"operation": {
		"abort", "adopt", "advance", "attach", "begin", "begin_commit", "bury", "complete", "copy_part", "create_multipart",
		"delete", "detach", "draw", "drop_pieces", "due", "end_commit", "find", "folder", "forget", "get",
		"get_pieces", "head", "highest_part", "list", "multiparts", "open", "parts", "ping", "put", "put_pieces", "read", "renew",
		"reopen", "staged", "suspect", "tree",
		"update_commit", "upload_part",
	},
	"place":  {"redis", "s3"},
	"reason": {"discarded", "expired"},
	"result": {"failed", "ok"},
	"route": {
		"/1/account/info", "/1/chunked_upload", "/1/commit_chunked_upload/*", "/1/delta", "/1/fileops/create_folder",
		"/1/fileops/delete", "/1/files/*", "/1/files_put/*", "/1/metadata/*", "/healthz", "/readyz", "none",
	},
	"status": {
		"1xx", "200", "204", "206", "2xx", "304", "3xx", "400", "401", "403", "404", "405", "406", "408", "409", "411",
		"413", "416", "429", "431", "4xx", "500", "503", "507", "5xx", "canceled", "dropped", "failed", "ok", "other",
		"refused", "unavailable",
	},
	"store": {"redis", "s3"},
	"way":   {"copied", "inherited", "promised", "single", "streamed"},
}

var label = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)

// labels are the values that there are, by label.
func labels(tb testing.TB, m *metrics.Metrics) map[string][]string {
	tb.Helper()
	values := map[string][]string{}
	for series := range scrape(tb, m) {
		if strings.HasPrefix(series, "chunkgate_build_info") {
			continue
		}
		for _, pair := range label.FindAllStringSubmatch(series, -1) {
			if name, value := pair[1], pair[2]; name != "le" && !slices.Contains(values[name], value) {
				values[name] = append(values[name], value)
			}
		}
	}
	for _, v := range values {
		slices.Sort(v)
	}
	return values
}

// Whatever clients and stores do, labels have values out of closed lists.
func TestLabelsAreClosed(t *testing.T) {
	m := metrics.New()
	weirdRequests(t, m)
	weirdStatuses(m)
	weirdErrors(t, m)
	if diff := cmp.Diff(closed, labels(t, m)); diff != "" {
		t.Errorf("label values (-want +got):\n%s", diff)
	}
}

// What alerts look at exists before anything has happened.
func TestPreinitialised(t *testing.T) {
	m := metrics.New()
	newWeird(t, m)
	series := scrape(t, m)
	for _, want := range []string{
		`chunkgate_requests_total{method="PUT",route="/1/chunked_upload",status="503"}`,
		`chunkgate_requests_total{method="POST",route="/1/commit_chunked_upload/*",status="500"}`,
		`chunkgate_s3_requests_total{operation="upload_part",status="unavailable"}`,
		`chunkgate_redis_requests_total{operation="begin",status="unavailable"}`,
		`chunkgate_retries_total{store="s3"}`,
		`chunkgate_conflicts_total{kind="offset"}`,
		`chunkgate_commit_duration_seconds_count{way="copied"}`,
		`chunkgate_uploads_damaged_total`,
		`chunkgate_defects_total`,
	} {
		if value, ok := series[want]; !ok || value != 0 {
			t.Errorf("%s is %v, %t, want 0 from the start", want, value, ok)
		}
	}
}

func newWeird(t *testing.T, m *metrics.Metrics) *httptest.Server {
	t.Helper()
	objects := uploadtest.NewObjects()
	engine := upload.New(upload.Config{
		Sessions: m.Sessions(uploadtest.NewSessions()), Objects: m.Objects(objects), Limits: upload.S3Limits(),
		TTL: time.Hour, StagingPrefix: ".x/", TailInSessions: 1 << 20, BufferMemory: 1 << 20, Observer: m.Engine,
	})
	s := httptest.NewServer(proxy.New(proxy.Config{
		Engine: engine, Files: m.Files(objects), Auth: proxy.Anyone(), StagingPrefix: ".x/", Origins: []string{"*"},
		Observer: m.Requests, Log: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(s.Close)
	return s
}

func weirdRequests(t *testing.T, m *metrics.Metrics) {
	addr := strings.TrimPrefix(newWeird(t, m).URL, "http://")
	for _, head := range []string{
		"BREW /hunter2", "PROPFIND /1/files/auto/hunter2", "GET /1/hunter2", "GET /hunter2/%2e%2e/x?access_token=hunter2",
		"DELETE /1/delta", "OPTIONS /1/chunked_upload", "HEAD /1/files/auto/hunter2", "PUT /1/files_put/hunter2/x",
		"GET /1/chunked_upload?upload_id=hunter2", "POST /1/commit_chunked_upload/auto/%00hunter2", "OPTIONS *",
		"GET //1///chunked_upload", "put /1/chunked_upload",
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, head+" HTTP/1.1\r\nHost: hunter2\r\nOrigin: http://hunter2\r\nConnection: close\r\n\r\n")
		_, _ = io.ReadAll(c)
		_ = c.Close()
	}
}

// weirdStatuses are more than the program answers now.
func weirdStatuses(m *metrics.Metrics) {
	for status := range 1000 {
		m.Requests.Ended(proxy.Observation{Method: fmt.Sprint("M", status), Route: fmt.Sprint("/1/", status), Status: status})
	}
}

// weirdErrors are all that a store may say, and more.
func weirdErrors(t *testing.T, m *metrics.Metrics) {
	var say error
	objects, sessions := uploadtest.NewObjects(), uploadtest.NewSessions()
	objects.Fault = func(string, string) error { return say }
	sessions.Fault = func(string) error { return say }
	o, f, s := m.Objects(objects), m.Files(objects), m.Sessions(sessions)
	for _, say = range []error{
		nil, errors.New("hunter2"), context.Canceled, context.DeadlineExceeded, upload.ErrUnavailable, upload.ErrShortBody,
		&upload.OffsetError{ID: "hunter2"}, &upload.InvalidError{Reason: "hunter2"}, upload.ErrNotExist, upload.ErrDamaged,
	} {
		_, _ = o.Head(t.Context(), "hunter2")
		_, _ = f.Read(t.Context(), "hunter2", "", 0, 1)
		_, _ = s.Get(t.Context(), "hunter2", "hunter2")
		for range o.List(t.Context(), "hunter2") {
			break
		}
	}
}
