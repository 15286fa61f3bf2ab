package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// serveFiles runs a server over files in memory, and puts some there; names
// are ada's.
func serveFiles(tb testing.TB, files upload.Files, names ...string) *site {
	tb.Helper()
	for _, name := range names {
		mustPut(tb, files, "uploads/ada/"+name, "content of "+name)
	}
	return start(tb, &fakeEngine{}, func(c *Config) { c.Files = files })
}

func mustPut(tb testing.TB, files upload.Files, key, content string) upload.Object {
	tb.Helper()
	o, err := files.Put(tb.Context(), key, int64(len(content)), strings.NewReader(content),
		upload.Attributes{ContentType: "text/x-test"}, upload.Condition{})
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func TestDownload(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files)
	etag := mustPut(t, files, "uploads/ada/ü.txt", "0123456789").ETag
	mustPut(t, files, "uploads/ada/empty", "")
	tests := map[string]struct {
		target, header string
		status         int
		length         string // as announced
		span           string // Content-Range
		body           string
	}{
		"whole":               {"auto/%C3%BC.txt", "", 200, "10", "", "0123456789"},
		"from":                {"auto/%C3%BC.txt", "Range: bytes=7-\r\n", 206, "3", "bytes 7-9/10", "789"},
		"from to":             {"auto/%C3%BC.txt", "Range: bytes=2-4\r\n", 206, "3", "bytes 2-4/10", "234"},
		"last":                {"auto/%C3%BC.txt", "Range: bytes=-2\r\n", 206, "2", "bytes 8-9/10", "89"},
		"all and one more":    {"auto/%C3%BC.txt", "Range: bytes=0-10\r\n", 206, "10", "bytes 0-9/10", "0123456789"},
		"two":                 {"auto/%C3%BC.txt", "Range: bytes=0-1,4-5\r\n", 200, "10", "", "0123456789"},
		"same version":        {"auto/%C3%BC.txt", "Range: bytes=7-\r\nIf-Range: " + etag + "\r\n", 206, "3", "bytes 7-9/10", "789"},
		"other version":       {"auto/%C3%BC.txt", "Range: bytes=7-\r\nIf-Range: \"x\"\r\n", 200, "10", "", "0123456789"},
		"changed since":       {"auto/%C3%BC.txt", "If-None-Match: \"x\"\r\n", 200, "10", "", "0123456789"},
		"rev":                 {"auto/%C3%BC.txt?rev=" + revOf(etag), "", 200, "10", "", "0123456789"},
		"empty":               {"sandbox/empty", "", 200, "0", "", ""},
		"escaped, with slash": {"%2Fauto%2F%C3%BC.txt/", "", 200, "10", "", "0123456789"},
	}
	for name, test := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+"/"+name, func(t *testing.T) {
				got := s.call(t, method, "/1/files/"+test.target, test.header, "")
				want := test.body
				if method == "HEAD" {
					want = ""
				}
				if got.status != test.status || got.body != want {
					t.Errorf("got %d %q, want %d %q", got.status, got.body, test.status, want)
				}
				if length, span := got.header.Get("Content-Length"), got.header.Get("Content-Range"); length != test.length || span != test.span {
					t.Errorf("got length %s, range %q, want %s, %q", length, span, test.length, test.span)
				}
				if kind := got.header.Get("Content-Type"); kind != "text/x-test" {
					t.Errorf("got type %q", kind)
				}
			})
		}
	}
}

// The header's name goes out in lower case, and its value in ASCII.
func TestDownloadDescribes(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files)
	o := mustPut(t, files, "uploads/ada/ü.txt", "0123456789")
	got := s.exchange(t, "GET /1/files/sandbox/%C3%BC.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"+bearer+"\r\n")
	for _, want := range []string{
		"\r\nx-dropbox-metadata: {\"rev\": \"" + revOf(o.ETag) + "\", ",
		"\"path\": \"/\\u00fc.txt\", ",
		"\"bytes\": 10, ",
		"\"root\": \"app_folder\", ",
		"\r\nEtag: " + o.ETag + "\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s in it", got, want)
		}
	}
}

func TestDownloadRefused(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files, "a/b.txt")
	etag := mustPut(t, files, "uploads/ada/now", "0123456789").ETag
	mustPut(t, files, "uploads/ada/", "")
	mustPut(t, files, "uploads/ada/.staging/x", "secret")
	mustPut(t, files, "uploads/other", "secret")
	mustPut(t, files, "uploads/ada/é", "")
	tests := map[string]struct {
		target, header string
		status         int
		body           string
	}{
		"nothing":       {"auto/x/y", "", 404, `{"error": "Path '/x/y' not found"}`},
		"nothing, odd":  {"auto/%C3%A9'/", "", 404, `{"error": "Path '/\u00e9'' not found"}`},
		"folder":        {"auto/a", "", 404, `{"error": "Path '/a' not found"}`},
		"root":          {"auto", "", 404, `{"error": "Path '/' not found"}`},
		"old rev":       {"auto/now?rev=" + strings.Repeat("0", 32), "", 404, `{"error": "Path '/now' not found"}`},
		"no rev at all": {"auto/now?rev=%00", "", 404, `{"error": "Path '/now' not found"}`},
		"range":         {"auto/now", "Range: bytes=10-\r\n", 416, `{"error": "The range begins behind the end of the file"}`},
		"range, empty":  {"auto/%C3%A9", "Range: bytes=0-\r\n", 416, `{"error": "The range begins behind the end of the file"}`},
		"unchanged":     {"auto/now", "If-None-Match: \"x\", " + etag + "\r\n", 304, ""},
		"unchanged *":   {"auto/now", "If-None-Match: *\r\nRange: bytes=99-\r\n", 304, ""},
		"staging":       {"auto/.staging/x", "", 400, `{"error": "path is reserved"}`},
		"other's":       {"auto/../other", "", 400, `{"error": "path has a segment that is . or .."}`},
		"no tree":       {"app_folder/now", "", 400, `{"error": "root is none of auto, dropbox and sandbox"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.call(t, "GET", "/1/files/"+test.target, test.header, "")
			if got.status != test.status || got.body != test.body {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, test.status, test.body)
			}
			if span := got.header.Get("Content-Range"); (span != "") != (test.status == 416) {
				t.Errorf("got Content-Range %q", span)
			}
		})
	}
	if got := s.call(t, "GET", "/1/files/auto/now", "Range: bytes=10-\r\n", "").header.Get("Content-Range"); got != "bytes */10" {
		t.Errorf("got Content-Range %q, want bytes */10", got)
	}
}

// strange is a store whose content of a file is not what it should be.
type strange struct {
	upload.Files
	read func(ctx context.Context, etag string) (io.ReadCloser, error)
}

func (f strange) Read(ctx context.Context, _, etag string, _, _ int64) (io.ReadCloser, error) {
	return f.read(ctx, etag)
}

// A file that is replaced between the look and the read is looked at again;
// what is told of it and what is read are one version.
func TestDownloadReplaced(t *testing.T) {
	objects := uploadtest.NewObjects()
	const key = "uploads/ada/x"
	mustPut(t, objects, key, "first")
	reads := 0
	s := serveFiles(t, strange{objects, func(ctx context.Context, etag string) (io.ReadCloser, error) {
		if reads++; reads < openTries {
			mustPut(t, objects, key, fmt.Sprint("after ", reads))
		}
		return objects.Read(ctx, key, etag, 0, 7)
	}})
	got := s.call(t, "GET", "/1/files/auto/x", "", "")
	if seen, _ := objects.Head(t.Context(), key); got.status != 200 || got.body != "after 2" || got.header.Get("ETag") != seen.ETag {
		t.Errorf("got %d %q of %s", got.status, got.body, got.header.Get("ETag"))
	}
	s = serveFiles(t, strange{objects, func(context.Context, string) (io.ReadCloser, error) { return nil, upload.ErrNotExist }})
	if got := s.call(t, "GET", "/1/files/auto/x", "", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("never still: got %d %s", got.status, got.body)
	}
}

// What fails after the answer has begun breaks the connection off, so that
// half a file is not taken for the whole.
func TestDownloadBreaksOff(t *testing.T) {
	objects := uploadtest.NewObjects()
	content := strings.Repeat("x", 200_000)
	mustPut(t, objects, "uploads/ada/x", content)
	s := serveFiles(t, strange{objects, func(context.Context, string) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(content[100_000:]), iotest.ErrReader(upload.ErrUnavailable))), nil
	}})
	got := s.exchange(t, "GET /1/files/auto/x HTTP/1.1\r\nHost: x\r\n"+bearer+"\r\n")
	if n := strings.Count(got, "xxxx"); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") || n < 1000 || strings.Contains(got, "error") {
		t.Errorf("got %d bytes, %.100q…, want some of the file and then the end", len(got), got)
	}
	s.await(t, upload.ErrUnavailable.Error())
}

// A client that takes nothing for too long is given up, and one that is slow is not.
func TestDownloadStalls(t *testing.T) {
	objects := uploadtest.NewObjects()
	mustPut(t, objects, "uploads/ada/x", "x")
	var closed atomic.Bool
	files := endless{objects, &closed}
	s := start(t, &fakeEngine{}, func(c *Config) { c.Files, c.BodyIdle = files, 300*time.Millisecond })
	conn := s.dial(t)
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /1/files/auto/x HTTP/1.1\r\nHost: x\r\n%s\r\n", bearer)
	await(t, "end of a stalled download", closed.Load)
	s.await(t, "i/o timeout")
}

// endless is a store with a file that never ends.
type endless struct {
	upload.Files
	closed *atomic.Bool
}

func (f endless) Head(ctx context.Context, key string) (upload.Object, error) {
	o, err := f.Files.Head(ctx, key)
	o.Size = 1 << 40
	return o, err
}

func (f endless) Read(context.Context, string, string, int64, int64) (io.ReadCloser, error) {
	return endlessContent{f.closed}, nil
}

type endlessContent struct{ closed *atomic.Bool }

func (c endlessContent) Read(p []byte) (int, error) { clear(p); return len(p), nil }
func (c endlessContent) Close() error               { c.closed.Store(true); return nil }

// The connection is good for another request after a download, however late.
func TestDownloadKeepsConnection(t *testing.T) {
	objects := uploadtest.NewObjects()
	s := start(t, &fakeEngine{}, func(c *Config) { c.Files, c.BodyIdle = objects, 50*time.Millisecond })
	content := string(bytes.Repeat([]byte("x"), 1<<20))
	mustPut(t, objects, "uploads/ada/x", content)
	conn := s.dial(t)
	answers := bufio.NewReader(conn)
	for _, endpoint := range []string{"files", "metadata", "files"} {
		fmt.Fprintf(conn, "GET /1/%s/auto/x HTTP/1.1\r\nHost: x\r\n%s\r\n", endpoint, bearer)
		got := mustAnswerTo(t, http.MethodGet, answers)
		if got.status != 200 || endpoint == "files" && got.body != content {
			t.Fatalf("%s: got %d with %d bytes", endpoint, got.status, len(got.body))
		}
		<-time.After(100 * time.Millisecond) // longer than the deadline of the answer before
	}
}

// Anybody's file comes under our name, and the URL may hold a token: what a
// browser could run there it is told to save, and to isolate.
func TestDownloadsDoNotRun(t *testing.T) {
	for kind, shown := range map[string]bool{
		"text/html": false, "text/html; charset=utf-8": false, "TEXT/HTML": false, "image/svg+xml": false,
		"application/xml": false, "text/xml": false, "application/xhtml+xml": false, "text/javascript": false,
		"application/pdf": false, "application/x-shockwave-flash": false, "multipart/x-mixed-replace": false,
		"nonsense": false, "": false, "application/octet-stream": false,
		"image/png": true, "video/mp4": true, "audio/mpeg": true, "text/plain": true, "text/plain; charset=utf-8": true,
	} {
		h := http.Header{}
		describe(h, upload.Object{Key: "a.html", Type: kind}, object{buf: []byte("{")})
		if attached := h.Get("Content-Disposition") == "attachment"; attached == shown {
			t.Errorf("%q: attachment is %v", kind, attached)
		}
		if h.Get("Content-Security-Policy") != "sandbox" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: header is %v", kind, h)
		}
	}
}
