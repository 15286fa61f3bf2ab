package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// receiver takes spans as an OTLP collector does, and keeps every byte.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	sent [][]byte
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := io.ReadAll(q.Body)
		if err != nil || q.URL.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s: %v", q.Method, q.URL, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sent = append(r.sent, b)
	}))
	t.Cleanup(r.Close)
	return r
}

// spans are all that has come, by name.
func (r *receiver) spans(t *testing.T) map[string][]*v1.Span {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	spans := map[string][]*v1.Span{}
	for _, b := range r.sent {
		var batch collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(b, &batch); err != nil {
			t.Fatal(err)
		}
		for _, resource := range batch.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					spans[s.Name] = append(spans[s.Name], s)
				}
			}
		}
	}
	return spans
}

const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceparent = "00-" + traceID + "-00f067aa0ba902b7-01"
)

// TestTracing: a request of a traced client is one trace from its own span down
// to each part and each call to Redis, and no secret is in any of it.
func TestTracing(t *testing.T) {
	t.Parallel()
	to := newReceiver(t)
	store := testserver.MinIO(t)
	p := testserver.Serve(t, testserver.Build(t), store, testserver.StartRedis(t),
		"OTEL_EXPORTER_OTLP_ENDPOINT="+to.URL, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment=test")
	send := func(method, target string, body int) string {
		t.Helper()
		r, err := http.NewRequest(method, p.BaseURL+"/1/"+target, bytes.NewReader(make([]byte, body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Traceparent", traceparent)
		r.Header.Set("Baggage", "hunter2=hunter2")
		r.Header.Set("User-Agent", "hunter2")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	token := "access_token=" + testserver.Token
	_, id, _ := strings.Cut(send("PUT", "chunked_upload?"+token, 4*mib), `"upload_id": "`)
	id, _, _ = strings.Cut(id, `"`)
	send("PUT", "chunked_upload?offset=4194304&upload_id="+id+"&"+token, 4*mib)
	send("PUT", "chunked_upload?offset=8388608&upload_id="+id+"&"+token, 6*mib)
	send("PUT", "chunked_upload?offset=hunter2&upload_id="+id+"&"+token, 1)
	send("POST", "commit_chunked_upload/auto/hunter2?upload_id="+id+"&"+token, 0)
	send("GET", "files/auto/hunter2-missing?"+token, 0)
	send("PUT", "chunked_upload?access_token=hunter2", 1)
	if err := p.Signal(syscall.SIGTERM); err != nil { // it sends what is left
		t.Fatal(err)
	}
	select {
	case <-p.Exited():
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not end")
	}

	all := string(bytes.Join(to.sent, nil))
	for _, secret := range []string{testserver.Token, "access_token", "upload_id=", "hunter2", "Credential", "X-Amz", store.SecretKey, store.AccessKey + "/"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q was sent to the collector", secret)
		}
	}
	spans := to.spans(t)
	for name, want := range map[string]int{
		"PUT /1/chunked_upload": 5, "POST /1/commit_chunked_upload/*": 1, "GET /1/files/*": 1,
		"S3.UploadPart": 2, "S3.UploadPartCopy": 1, "S3.CompleteMultipartUpload": 2, "S3.CreateMultipartUpload": 2,
		// The upload opened, by a script that Redis does not know yet, and ended; the tail of the first chunk
		// written and read.
		"pipeline": 5,
	} {
		if got := len(spans[name]); got != want {
			t.Errorf("%d spans %q, want %d", got, name, want)
		}
	}
	if len(spans["evalsha"]) == 0 {
		t.Error("no span of a script")
	}
	wantOneTrace(t, spans)
	wantParts(t, spans["S3.UploadPart"])
	if !strings.Contains(p.Output(), `"trace":"`+traceID+`"`) {
		t.Error("the log does not tell the trace")
	}
}

// wantOneTrace checks that every span belongs to the client's trace, and hangs
// together: its parent is the client's span or another of these.
func wantOneTrace(t *testing.T, spans map[string][]*v1.Span) {
	t.Helper()
	known := map[string]bool{"00f067aa0ba902b7": true}
	for _, named := range spans {
		for _, s := range named {
			known[fmt.Sprintf("%x", s.SpanId)] = true
		}
	}
	for name, named := range spans {
		for _, s := range named {
			if got := fmt.Sprintf("%x", s.TraceId); got != traceID {
				t.Errorf("%s is in trace %s", name, got)
			}
			if !known[fmt.Sprintf("%x", s.ParentSpanId)] {
				t.Errorf("%s hangs nowhere", name)
			}
		}
	}
}

// wantParts checks that the parts' spans tell their numbers and how it ended.
func wantParts(t *testing.T, spans []*v1.Span) {
	t.Helper()
	for n, s := range spans {
		got := map[string]int64{}
		for _, a := range s.Attributes {
			got[a.Key] = a.Value.GetIntValue()
		}
		if got["chunkgate.part"] != int64(n+1) || got["http.response.status_code"] != 200 {
			t.Errorf("part %d has attributes %v", n+1, s.Attributes)
		}
	}
}

// TestAdmin: metrics, profiles and health are at the listener for operators,
// and only health is at the clients'.
func TestAdmin(t *testing.T) {
	t.Parallel()
	addr := testserver.FreeAddr(t)
	p := testserver.Serve(t, testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t), "CHUNKGATE_ADMIN_LISTEN="+addr)
	ask(t, p, "PUT", "chunked_upload", make([]byte, 1000))
	for path, want := range map[string]string{
		"/metrics":                       "chunkgate_stored_bytes_total 1000\n",
		"/healthz":                       `{"status": "ok"}`,
		"/readyz":                        `{"status": "ok"}`,
		"/debug/pprof/":                  "goroutine",
		"/debug/pprof/heap?debug=1":      "heap profile",
		"/debug/pprof/symbol":            "num_symbols",
		"/debug/pprof/cmdline":           "serve",
		"/debug/pprof/trace?seconds=0.1": "go 1.",
	} {
		answer, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
			t.Errorf("%s: %s without %q", path, answer.Status, want)
		}
		clients := status(t, p.BaseURL+path)
		if health := strings.HasSuffix(path, "z"); clients != http.StatusOK == health {
			t.Errorf("%s answers clients %d", path, clients)
		}
	}
	for _, target := range []string{"/", "/1/chunked_upload", "/1/files/auto/x"} {
		if got := status(t, "http://"+addr+target); got != http.StatusNotFound {
			t.Errorf("%s answers operators %d", target, got)
		}
	}
}
