package proxy

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// lab is a server over the real engine and stores in memory.
type lab struct {
	url     string
	objects *uploadtest.Objects
}

func newLab(tb testing.TB) *lab {
	tb.Helper()
	objects := uploadtest.NewObjects()
	objects.MinPart = 50
	s := New(Config{
		Engine: upload.New(upload.Config{
			Sessions: uploadtest.NewSessions(), Objects: objects,
			Limits: upload.Limits{MinPart: 50, MaxPart: 50_000, MaxParts: 1000, MaxChunk: 1000, MaxObject: 1 << 20},
			TTL:    48 * time.Hour, StagingPrefix: ".staging/", TailInSessions: 1000, BufferMemory: 8 << 20,
		}),
		Auth: mustTokens(tb, tokensFile), KeyPrefix: "uploads/", StagingPrefix: ".staging/",
		MaxChunk: 1000, Log: slog.New(slog.DiscardHandler),
	})
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = HTTPServer(s, slog.New(slog.DiscardHandler))
	srv.Start()
	tb.Cleanup(srv.Close)
	return &lab{url: srv.URL, objects: objects}
}

// do sends a request and answers its status and the body.
func (l *lab) do(tb testing.TB, method, target string, body io.Reader) string {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, l.url+target, body)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, answer)
}

// step sends a request and says so unless its answer matches.
func (l *lab) step(t *testing.T, method, target string, body io.Reader, want string) {
	t.Helper()
	if got := l.do(t, method, target, body); !regexp.MustCompile("^" + want + "$").MatchString(got) {
		t.Errorf("%s %s:\ngot  %s\nwant %s", method, target, got, want)
	}
}

// begin opens an upload with a first chunk and answers its id.
func (l *lab) begin(tb testing.TB, query string, chunk []byte) string {
	tb.Helper()
	got := l.do(tb, "PUT", "/1/chunked_upload"+query, bytes.NewReader(chunk))
	m := regexp.MustCompile(`^200 .*"upload_id": "([A-Za-z0-9_-]{22})", "offset": (\d+)}$`).FindStringSubmatch(got)
	if m == nil || m[2] != fmt.Sprint(len(chunk)) {
		tb.Fatalf("first chunk: %s", got)
	}
	return m[1]
}

// A whole upload: a repeated chunk, a lost place found again, a commit and its
// repeat, and what is left to say after it.
func TestUpload(t *testing.T) {
	l := newLab(t)
	file := []byte(strings.Repeat("0123456789", 90))
	id := l.begin(t, "?offset=0", file[:300])
	chunk := func(offset int) string { return fmt.Sprintf("/1/chunked_upload?upload_id=%s&offset=%d", id, offset) }
	commit := "/1/commit_chunked_upload/auto/a/b.txt?upload_id=" + id

	const mismatch = `400 {"expires": "[^"]{31}", "upload_id": "%s", "offset": %d, "error": "Submitted input out of alignment: got \[%d\] expected \[%d\]"}`
	l.step(t, "PUT", chunk(0), bytes.NewReader(file[:300]), fmt.Sprintf(mismatch, id, 300, 0, 300))
	l.step(t, "POST", chunk(300), io.MultiReader(bytes.NewReader(file[300:600])), `200 .*"offset": 600}`) // of unknown length
	l.step(t, "PUT", chunk(600), bytes.NewReader(make([]byte, 1001)), `413 {"error": "Chunk or file is too large"}`)
	l.step(t, "PUT", chunk(600), nil, `200 .*"offset": 600}`)
	l.step(t, "GET", chunk(0), nil, `200 {"expires": "[^"]{31}", "upload_id": "`+id+`", "offset": 600}`)
	l.step(t, "PUT", chunk(600), bytes.NewReader(file[600:]), `200 .*"offset": 900}`)

	const metadata = `200 {"rev": "[0-9a-f]+", .*"path": "/a/b.txt", .*"bytes": 900, .*"mime_type": "text/plain", "revision": \d{13}}`
	first := l.do(t, "POST", commit, nil)
	if !regexp.MustCompile(metadata).MatchString(first) {
		t.Errorf("commit: %s", first)
	}
	l.step(t, "POST", commit, nil, regexp.QuoteMeta(first))
	done := `400 {"error": "Upload with upload_id ` + id + ` already completed"}`
	l.step(t, "POST", commit+"&overwrite=false", nil, done)
	l.step(t, "PUT", chunk(900), bytes.NewReader(file[:1]), done)
	if got, ok := l.objects.Object("uploads/ada/a/b.txt"); !ok || !bytes.Equal(got, file) {
		t.Errorf("the object is not the file: %d bytes, %t", len(got), ok)
	}
}

// What a commit does with what lies at its destination.
func TestUploadOverOthers(t *testing.T) {
	l := newLab(t)
	commit := func(params, want string) string {
		t.Helper()
		id := l.begin(t, "", []byte(params))
		got := l.do(t, "POST", "/1/commit_chunked_upload/auto/f.txt?upload_id="+id+params, nil)
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s in it", params, got, want)
		}
		return regexp.MustCompile(`"rev": "([0-9a-f]*)"|$`).FindStringSubmatch(got)[1]
	}
	old := commit("&overwrite=false", `"path": "/f.txt"`)
	commit("&overwrite=false&autorename=false", `409 {"error": "`)
	commit("&overwrite=False", `"path": "/f (1).txt"`)
	commit("&overwrite=0&locale=de", `"path": "/f (2).txt"`)
	latest := commit("&parent_rev="+old, `"path": "/f.txt"`)
	commit("&autorename=0&parent_rev="+old, `409 {"error": "`)
	commit("&parent_rev="+old+"&x=1", `"path": "/f (conflicted copy).txt"`)
	commit("&parent_rev="+latest, `"path": "/f.txt"`)
	commit("", `"path": "/f.txt"`)
}

// The promised destination has to be the committed one.
func TestPromise(t *testing.T) {
	l := newLab(t)
	id := l.begin(t, "?path=/a/b.txt", make([]byte, 200))
	l.step(t, "POST", "/1/commit_chunked_upload/auto/other?upload_id="+id, nil, `400 {"error": ".+"}`)
	l.step(t, "POST", "/1/commit_chunked_upload/auto/a/b.txt?upload_id="+id, nil, `200 .*"path": "/a/b.txt".*`)
}

// A discarded upload is unknown.
func TestDiscarded(t *testing.T) {
	l := newLab(t)
	target := "/1/chunked_upload?upload_id=" + l.begin(t, "", make([]byte, 200))
	l.step(t, "DELETE", target, nil, `200 {"upload_id": ".*"}`)
	for _, method := range []string{"GET", "PUT"} {
		l.step(t, method, target, nil, `404 {"error": "No upload with upload_id found."}`)
	}
	l.step(t, "DELETE", target, nil, `200 {"upload_id": ".*"}`) // the first answer may have been lost
}
