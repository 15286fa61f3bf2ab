package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// reply is what the server answers to a chunk or a commit.
type reply struct {
	Status     int    `json:"-"`
	RetryAfter string `json:"-"`
	UploadID   string `json:"upload_id"`
	Offset     int64  `json:"offset"`
	Bytes      int64  `json:"bytes"`
	Error      string `json:"error"`
}

// ask sends a request; target is what follows "/1/".
func ask(t *testing.T, p testserver.Proxy, method, target string, body []byte) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.BaseURL+"/1/"+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer answer.Body.Close()
	got := reply{Status: answer.StatusCode, RetryAfter: answer.Header.Get("Retry-After")}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return got
}

func status(t *testing.T, url string) int {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// TestShutdown: after SIGTERM a chunk that is under way is finished and
// answered, and the program ends with 0.
func TestShutdown(t *testing.T) {
	t.Parallel()
	p := testserver.Serve(t, testserver.Build(t), testserver.MinIO(t), testserver.StartRedis(t))
	const size = 6 * mib
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.BaseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", testserver.Token, size)
	// It says so when it begins to read: only then is the chunk under way.
	wanted := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
	if _, err := io.ReadFull(conn, wanted); err != nil || !bytes.Contains(wanted, []byte(" 100 ")) {
		t.Fatalf("the chunk is not wanted: %q, %v", wanted, err)
	}
	if _, err := conn.Write(make([]byte, size/2)); err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	awaitRefused(t, p)
	if _, err := conn.Write(make([]byte, size/2)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") || !strings.HasSuffix(string(answer), fmt.Sprintf(`"offset": %d}`, size)) {
		t.Errorf("the chunk under way was answered %q, %v", answer, err)
	}
	select {
	case <-p.Exited():
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not end")
	}
	if code := p.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// awaitRefused waits until nobody can connect any more.
func awaitRefused(t *testing.T, p testserver.Proxy) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.BaseURL, "http://"))
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("the program still listens")
}

// TestStoresGone: without a store chunks are answered 503 and may be repeated;
// what was acknowledged stays.
func TestStoresGone(t *testing.T) {
	t.Parallel()
	store, redis := testserver.MinIO(t), testserver.StartRedis(t)
	p := testserver.Serve(t, testserver.Build(t), store, redis)
	first := ask(t, p, "PUT", "chunked_upload", make([]byte, 6*mib))
	next := fmt.Sprintf("chunked_upload?upload_id=%s&offset=%d", first.UploadID, first.Offset)

	stop(t, store.Process)
	if got := ask(t, p, "PUT", next, make([]byte, 6*mib)); got.Status != 503 || got.RetryAfter == "" || got.Error == "" {
		t.Errorf("without S3: %+v, want 503 with Retry-After", got)
	}
	if got := status(t, p.BaseURL+"/readyz"); got != 503 {
		t.Errorf("/readyz without S3: %d", got)
	}
	resume(t, store.Process)
	if got := ask(t, p, "GET", next, nil); got.Offset != first.Offset {
		t.Errorf("after S3 is back: %+v", got)
	}

	stop(t, redis.Process)
	if got := ask(t, p, "PUT", next, make([]byte, 6*mib)); got.Status != 503 || got.RetryAfter == "" || got.Error == "" {
		t.Errorf("without Redis: %+v, want 503 with Retry-After", got)
	}
	if got := status(t, p.BaseURL+"/readyz"); got != 503 {
		t.Errorf("/readyz without Redis: %d", got)
	}
	if got := status(t, p.BaseURL+"/healthz"); got != 200 {
		t.Errorf("/healthz without Redis: %d", got)
	}
	resume(t, redis.Process)
	if got := ask(t, p, "PUT", next, make([]byte, 6*mib)); got.Status != 200 || got.Offset != 12*mib {
		t.Errorf("after Redis is back: %+v", got)
	}
	if got := ask(t, p, "POST", "commit_chunked_upload/auto/x?upload_id="+first.UploadID, nil); got.Bytes != 12*mib {
		t.Errorf("commit: %+v", got)
	}
}

// stop makes a server hang, as one behind a dead network does.
func stop(t *testing.T, p *testserver.Process)   { t.Helper(); signal(t, p, syscall.SIGSTOP) }
func resume(t *testing.T, p *testserver.Process) { t.Helper(); signal(t, p, syscall.SIGCONT) }

func signal(t *testing.T, p *testserver.Process, s syscall.Signal) {
	t.Helper()
	if err := p.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestFlatMemory: chunks of 150 MB, announced or not, eight at a time, pass
// through a program whose buffers have 16 MiB.
func TestFlatMemory(t *testing.T) {
	const most = 128 * mib
	p := testserver.Serve(t, testserver.Build(t, "-race=false"), testserver.MinIO(t), testserver.StartRedis(t),
		"CHUNKGATE_BUFFER_MEMORY=16MiB")
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			body := io.LimitReader(zeros{}, 157_286_400)
			r, err := http.NewRequest("PUT", p.BaseURL+"/1/chunked_upload", body)
			if err != nil {
				t.Error(err)
				return
			}
			if n%2 == 0 {
				r.ContentLength = 157_286_400
			}
			r.Header.Set("Authorization", "Bearer "+testserver.Token)
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			if b, _ := io.ReadAll(answer.Body); !strings.HasSuffix(string(b), `"offset": 157286400}`) {
				t.Errorf("answer: %s", b)
			}
		})
	}
	clients.Wait()
	peak := peakMemory(t, p.PID())
	t.Logf("peak memory %d MiB", peak/mib)
	if peak > most {
		t.Errorf("peak memory is %d MiB, want at most %d", peak/mib, most/mib)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// peakMemory is the largest resident size that a process had, in bytes.
func peakMemory(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmHWM in /proc")
	return 0
}
