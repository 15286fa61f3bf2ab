package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

// described is what the server tells about a file or a folder.
type described struct {
	Path     string      `json:"path"`
	Rev      string      `json:"rev"`
	Hash     string      `json:"hash"`
	Bytes    int64       `json:"bytes"`
	IsDir    bool        `json:"is_dir"`
	Deleted  bool        `json:"is_deleted"`
	Contents []described `json:"contents"`
	Error    string      `json:"error"`
}

// answered is a whole answer.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// describes is the JSON in an answer.
func (a answered) describes(t *testing.T) (d described) {
	t.Helper()
	if err := json.Unmarshal(a.body, &d); err != nil {
		t.Fatalf("%d %.200s: %v", a.status, a.body, err)
	}
	return d
}

// call sends a request; target is what follows "/1/", header alternates names
// and values.
func call(t *testing.T, p testserver.Proxy, method, target string, body io.Reader, header ...string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.BaseURL+"/1/"+target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return answered{answer.StatusCode, answer.Header, got}
}

// send uploads a file in two chunks and commits it.
func send(t *testing.T, p testserver.Proxy, path string, content []byte) described {
	t.Helper()
	half := len(content) / 2
	first := ask(t, p, "PUT", "chunked_upload", content[:half])
	ask(t, p, "PUT", fmt.Sprintf("chunked_upload?upload_id=%s&offset=%d", first.UploadID, half), content[half:])
	got := call(t, p, "POST", "commit_chunked_upload/auto/"+path+"?upload_id="+first.UploadID, nil)
	if got.status != http.StatusOK {
		t.Fatalf("commit %.40q: %d %s", path, got.status, got.body)
	}
	return got.describes(t)
}

// startReading runs the program, and opens its bucket.
func startReading(t *testing.T, env ...string) (testserver.Proxy, *s3backend.Backend) {
	t.Helper()
	store := testserver.MinIO(t)
	return testserver.Serve(t, testserver.Build(t), store, testserver.StartRedis(t), env...), teststore.Open(t, store)
}

// TestReadBack: what was uploaded comes back, whole or in part, in the version
// that was asked for, whether it became one part or many.
func TestReadBack(t *testing.T) {
	t.Parallel()
	p, _ := startReading(t)
	content := random(13*mib + 7)
	for name, content := range map[string][]byte{"small.txt": content[:100_000], "large.txt": content} {
		t.Run(name, func(t *testing.T) {
			made := send(t, p, "dir/"+name, content)
			file := "files/auto/dir/" + name
			whole := call(t, p, "GET", file, nil)
			if whole.status != 200 || sha256.Sum256(whole.body) != sha256.Sum256(content) || whole.header.Get("Content-Type") != "text/plain" {
				t.Fatalf("got %d with %d bytes, %v", whole.status, len(whole.body), whole.header)
			}
			etag := whole.header.Get("ETag")
			if diff := cmp.Diff(made, answered{body: []byte(whole.header.Get("x-dropbox-metadata"))}.describes(t)); diff != "" {
				t.Errorf("metadata (-committed +downloaded):\n%s", diff)
			}
			if diff := cmp.Diff(made, call(t, p, "GET", "metadata/auto/dir/"+name, nil).describes(t)); diff != "" {
				t.Errorf("metadata (-committed +read):\n%s", diff)
			}
			size := len(content)
			for asked, want := range map[string]string{
				"bytes=0-":                           fmt.Sprintf("bytes 0-%d/%d", size-1, size),
				"bytes=10-19":                        fmt.Sprintf("bytes 10-19/%d", size),
				"bytes=-20":                          fmt.Sprintf("bytes %d-%d/%d", size-20, size-1, size),
				fmt.Sprintf("bytes=%d-", size-1):     fmt.Sprintf("bytes %d-%d/%d", size-1, size-1, size),
				fmt.Sprintf("bytes=50000-%d", size):  fmt.Sprintf("bytes 50000-%d/%d", size-1, size),
				fmt.Sprintf("bytes=99-%d", size-300): fmt.Sprintf("bytes 99-%d/%d", size-300, size),
			} {
				got := call(t, p, "GET", file, nil, "Range", asked)
				var from, to int
				if _, err := fmt.Sscanf(want, "bytes %d-%d/", &from, &to); err != nil {
					t.Fatal(err)
				}
				if got.status != 206 || got.header.Get("Content-Range") != want || !bytes.Equal(got.body, content[from:to+1]) {
					t.Errorf("%s: got %d with %d bytes, %s, want %s", asked, got.status, len(got.body), got.header.Get("Content-Range"), want)
				}
			}
			if got := call(t, p, "GET", file, nil, "Range", fmt.Sprintf("bytes=%d-", size)); got.status != 416 ||
				got.header.Get("Content-Range") != fmt.Sprintf("bytes */%d", size) || got.describes(t).Error == "" {
				t.Errorf("at the end: got %d %v %s", got.status, got.header, got.body)
			}
			if got := call(t, p, "GET", file, nil, "If-None-Match", etag); got.status != 304 || len(got.body) > 0 {
				t.Errorf("unchanged: got %d with %d bytes", got.status, len(got.body))
			}
			if got := call(t, p, "HEAD", file, nil); got.status != 200 || got.header.Get("ETag") != etag || got.header.Get("Content-Length") != fmt.Sprint(size) {
				t.Errorf("HEAD: got %d %v", got.status, got.header)
			}
			next := send(t, p, "dir/"+name, content[1:])
			for rev, status := range map[string]int{made.Rev: 404, next.Rev: 200} {
				for _, endpoint := range []string{"files", "metadata"} {
					if got := call(t, p, "GET", endpoint+"/auto/dir/"+name+"?rev="+rev, nil); got.status != status {
						t.Errorf("%s of rev %s: got %d, want %d", endpoint, rev, got.status, status)
					}
				}
			}
		})
	}
}

func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// TestReadMemory: large files pass through a few kilobytes of memory.
func TestReadMemory(t *testing.T) {
	const most = 64 * mib
	store := testserver.MinIO(t)
	p := testserver.Serve(t, testserver.Build(t, "-race=false"), store, testserver.StartRedis(t))
	r, err := http.NewRequestWithContext(t.Context(), "PUT", p.BaseURL+"/1/files_put/auto/x", io.LimitReader(zeros{}, 150*mib))
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 150 * mib
	r.Header.Set("Authorization", "Bearer "+testserver.Token)
	made, err := http.DefaultClient.Do(r)
	if err != nil || made.StatusCode != 200 {
		t.Fatalf("put: %v, %v", made, err)
	}
	made.Body.Close()
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			r := r.Clone(t.Context())
			r.Method, r.Body, r.ContentLength = "GET", nil, 0
			r.URL.Path = "/1/files/auto/x"
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer answer.Body.Close()
			if n, err := io.Copy(io.Discard, answer.Body); n != 150*mib || err != nil {
				t.Errorf("got %d bytes, %v", n, err)
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
