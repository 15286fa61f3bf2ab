package load

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// serve starts a server and a client's connection to it.
func serve(t *testing.T, handler http.HandlerFunc) *Conn {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	c, err := Dial(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// echo answers what net/http made of a request.
func echo(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	fmt.Fprintf(w, "%s %s %d %d %x %v %s", r.Method, r.RequestURI, r.ContentLength, n, sum.Sum(nil), err, r.Header.Get("X-Test"))
}

// TestDo: each kind of body arrives as it was sent, one after the other on one
// connection.
func TestDo(t *testing.T) {
	c := serve(t, echo)
	p := NewPayload(3 << 20)
	for _, size := range []int64{0, 1, frame, frame + 1, 3 << 20} {
		for _, known := range []bool{true, false} {
			body := p.Chunk(1, 2, size)
			answer, err := c.Do(http.MethodPut, "/a%2Fb?c=d", http.Header{"X-Test": {"yes"}}, body, known)
			if err != nil {
				t.Fatal(err)
			}
			length := size
			if !known {
				length = -1
			}
			want := fmt.Sprintf("PUT /a%%2Fb?c=d %d %d %x <nil> yes", length, size, sha256.Sum256(body))
			if got := string(answer.Body); got != want {
				t.Errorf("%d bytes, known=%t: got %s, want %s", size, known, got, want)
			}
		}
	}
}

// TestRefused: what a server says before it has read the body is not lost.
func TestRefused(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no room", http.StatusServiceUnavailable)
	})
	_, err := c.Do(http.MethodPut, "/", nil, make([]byte, 100), true)
	if err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v, want 503 and its reason", err)
	}
}

// TestDoSlowly: the rate is kept, and the bytes arrive.
func TestDoSlowly(t *testing.T) {
	c := serve(t, echo)
	body := NewPayload(64<<10).Chunk(0, 0, 64<<10)
	begin := time.Now()
	answer, err := c.DoSlowly(t.Context(), http.MethodPut, "/", nil, body, 128<<10)
	if err != nil {
		t.Fatal(err)
	}
	if got := time.Since(begin); got < 500*time.Millisecond {
		t.Errorf("64 KiB at 128 KiB/s took %v", got)
	}
	want := fmt.Sprintf("PUT / %d %d %x <nil> ", len(body), len(body), sha256.Sum256(body))
	if got := string(answer.Body); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestPayload(t *testing.T) {
	const size = 4096
	p := NewPayload(size)
	seen := map[[32]byte]string{}
	whole := sha256.New()
	for client := range 3 {
		for n := range 20 {
			chunk := p.Chunk(client, n, size)
			if client == 0 {
				whole.Write(chunk)
			}
			sum := sha256.Sum256(chunk)
			if other, again := seen[sum]; again {
				t.Errorf("client %d, chunk %d has the content of %s", client, n, other)
			}
			seen[sum] = fmt.Sprintf("client %d, chunk %d", client, n)
		}
	}
	if got, want := p.SHA256(0, 20, size), Sum(whole); got != want {
		t.Errorf("SHA-256 of an upload: got %x, want %x", got, want)
	}
}

// TestGate: the protocol of an upload, as a server sees it.
func TestGate(t *testing.T) {
	var mu sync.Mutex
	var got []string
	var offset int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.RequestURI+" "+r.Header.Get("Authorization"))
		n, _ := io.Copy(io.Discard, r.Body)
		offset += n
		_ = json.NewEncoder(w).Encode(map[string]any{"upload_id": "u/1", "offset": offset})
	})
	g := NewGate(c, "secret", "/dir/a.bin", true)
	for _, step := range []func() error{
		func() error { return g.Send(make([]byte, 10), true) },
		func() error { return g.Send(make([]byte, 5), false) },
		g.Commit,
		g.Discard,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"PUT /1/chunked_upload?path=%2Fdir%2Fa.bin Bearer secret",
		"PUT /1/chunked_upload?offset=10&upload_id=u%2F1 Bearer secret",
		"POST /1/commit_chunked_upload/auto/dir/a.bin?upload_id=u%2F1 Bearer secret",
		"DELETE /1/chunked_upload?upload_id=u%2F1 Bearer secret",
	}
	mu.Lock()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	offset = 1000
	mu.Unlock()
	if err := g.Send(make([]byte, 1), true); err == nil {
		t.Error("a server that has more bytes than were sent is believed")
	}
}
