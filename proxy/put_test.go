package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chunkgate/chunkgate/upload"
)

const putFile = "/1/files_put/auto/Photos/B%C3%B6ston.JPG"

// store is an engine that takes a file, and what it was asked and given.
type store struct {
	asked upload.PutRequest
	key   string
	body  string
	err   error
}

func (s *store) put(_ context.Context, r upload.PutRequest) (upload.Object, error) {
	var body []byte
	s.asked = r
	s.key, _ = r.Key(0)
	body, s.err = io.ReadAll(r.Body)
	s.body = string(body)
	return upload.Object{Key: s.key, Size: int64(len(body)), ETag: etag, Modified: time.UnixMilli(1365699917000)}, s.err
}

// The body is the file, whatever its type says; what is to be done is in the query.
func TestPutRequests(t *testing.T) {
	const length = "Content-Length: 5\r\n"
	rename := upload.Condition{Absent: true}
	tests := map[string]struct {
		method, query, header, body string
		length                      int64
		condition                   upload.Condition
	}{
		"put":          {"PUT", "", length, "hello", 5, upload.Condition{}},
		"post":         {"POST", "?overwrite=false&autorename=0", length, "hello", 5, rename},
		"rename":       {"PUT", "?overwrite=False", length, "hello", 5, rename},
		"parent_rev":   {"PUT", "?parent_rev=900150983cd24fb0d6963f7d28e17f72000c", length, "hello", 5, upload.Condition{Match: etag}},
		"empty":        {"PUT", "?locale=de&parent_rev=", "Content-Length: 0\r\n", "", 0, upload.Condition{}},
		"no length":    {"PUT", "", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", upload.UnknownLength, upload.Condition{}},
		"form":         {"POST", "", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n", "overwrite=0", 11, upload.Condition{}},
		"multipart":    {"POST", "", "Content-Type: multipart/form-data; boundary=b\r\n" + length, "--b\r\n", 5, upload.Condition{}},
		"more on wire": {"PUT", "", length, "helloGET", 5, upload.Condition{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var e store
			s := start(t, &fakeEngine{put: e.put})
			got := s.call(t, test.method, putFile+test.query, test.header, test.body)
			if got.status != http.StatusOK {
				t.Fatalf("got %d %s, want 200", got.status, got.body)
			}
			want := upload.PutRequest{Length: test.length, CommitRequest: upload.CommitRequest{
				Owner: "ada", Root: "uploads/ada/", Condition: test.condition, ContentType: "image/jpeg",
			}}
			if diff := cmp.Diff(want, e.asked, cmpopts.IgnoreFields(upload.PutRequest{}, "Body", "Interrupt", "Key", "Terms")); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if e.key != "uploads/ada/Photos/Böston.JPG" {
				t.Errorf("key is %q", e.key)
			}
		})
	}
}

func TestWireOfPut(t *testing.T) {
	var e store
	s := start(t, &fakeEngine{put: e.put})
	got := s.call(t, "PUT", putFile, "Content-Length: 5\r\n", "hello")
	want := `{"rev": "900150983cd24fb0d6963f7d28e17f72000c", "thumb_exists": false, "path": "/Photos/B\u00f6ston.JPG", "is_dir": false, ` +
		`"client_mtime": "Thu, 11 Apr 2013 17:05:17 +0000", "icon": "page_white_picture", "read_only": false, "modifier": null, "bytes": 5, ` +
		`"modified": "Thu, 11 Apr 2013 17:05:17 +0000", "size": "5 bytes", "root": "dropbox", "mime_type": "image/jpeg", "revision": 1365699917000}`
	if diff := cmp.Diff(want, got.body); diff != "" || e.body != "hello" {
		t.Errorf("stored %q, answer (-want +got):\n%s", e.body, diff)
	}
}

// Strict as Dropbox was: no length, no file. The refusal can be read by a
// client that writes its body first, and the connection be used again.
func TestStrictLength(t *testing.T) {
	const want = `{"error": "Missing Content-Length header (this endpoint doesn't support HTTP chunked transfer encoding)"}`
	var e store
	s := start(t, &fakeEngine{put: e.put, append: take}, func(c *Config) { c.StrictLength = true })
	block := "80000\r\n" + strings.Repeat("x", 0x80000) + "\r\n"
	chunked := "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(block, 16) + "0\r\n\r\n"
	got := s.send(t, "PUT "+putFile+" HTTP/1.1\r\nHost: x\r\n"+bearer+chunked)
	if got.status != http.StatusLengthRequired || got.body != want || got.close {
		t.Errorf("got %d %s, closing: %t, want 411 %s", got.status, got.body, got.close, want)
	}
	if got := s.call(t, "PUT", putFile, "Content-Length: 0\r\n", ""); got.status != http.StatusOK {
		t.Errorf("empty file: got %d %s, want 200", got.status, got.body)
	}
	if got := s.call(t, "PUT", "/1/chunked_upload", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"); got.status != http.StatusOK {
		t.Errorf("chunk: got %d %s, want 200", got.status, got.body)
	}
}

// A body that breaks off has no answer, and the engine is told why.
func TestShortPut(t *testing.T) {
	for name, raw := range map[string]string{
		"length":  "Content-Length: 10\r\n\r\nhello",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			s := start(t, &fakeEngine{put: func(_ context.Context, r upload.PutRequest) (upload.Object, error) {
				_, err := io.Copy(io.Discard, r.Body)
				ended <- err
				return upload.Object{}, err
			}})
			c := s.dial(t)
			if _, err := io.WriteString(c, "PUT "+putFile+" HTTP/1.1\r\nHost: x\r\n"+bearer+raw); err != nil {
				t.Fatal(err)
			}
			if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if all, err := io.ReadAll(c); err != nil || len(all) > 0 {
				t.Errorf("got %q, %v, want nothing", all, err)
			}
			if err := <-ended; !errors.Is(err, upload.ErrShortBody) {
				t.Errorf("the engine got %v, want %v", err, upload.ErrShortBody)
			}
		})
	}
}

func TestPutErrors(t *testing.T) {
	for err, want := range map[error]answer{
		upload.ErrConflict:    {status: 409, body: `{"error": "There is a file or a folder in the way"}`},
		upload.ErrTooLarge:    {status: 413, body: `{"error": "Chunk or file is too large"}`},
		upload.ErrUnavailable: {status: 503, body: `{"error": "Storage is not available now"}`},
	} {
		s := start(t, &fakeEngine{put: func(context.Context, upload.PutRequest) (upload.Object, error) { return upload.Object{}, err }})
		got := s.call(t, "PUT", putFile, "Content-Length: 5\r\n", "hello")
		if got.status != want.status || got.body != want.body {
			t.Errorf("%v: got %d %s, want %d %s", err, got.status, got.body, want.status, want.body)
		}
	}
}

// Whole files through the real engine: what is there decides as for a commit,
// and one that breaks off leaves nothing.
func TestPutOverOthers(t *testing.T) {
	l := newLab(t)
	put := func(target, want string) {
		t.Helper()
		l.step(t, "PUT", "/1/files_put/auto/"+target, strings.NewReader(target), `200 .*"path": "`+regexp.QuoteMeta(want)+`".*`)
	}
	refused := func(target, want string) {
		t.Helper()
		l.step(t, "POST", "/1/files_put/auto/"+target, strings.NewReader("other"), want)
	}
	put("f.txt", "/f.txt")
	put("f.txt?overwrite=false", "/f (1).txt")
	put("f.txt?overwrite=0&locale=de", "/f (2).txt")
	refused("f.txt?overwrite=false&autorename=0", `409 {"error": "[^"]+"}`)
	refused("f.txt/below", `409 {"error": "[^"]+"}`)
	put("d/f", "/d/f")
	refused("d?autorename=false", `409 {"error": "[^"]+"}`)
	refused("big?overwrite=false", `200 .*"bytes": 5.*`)
	l.step(t, "PUT", "/1/files_put/auto/big", strings.NewReader(strings.Repeat("x", 1001)), `413 {"error": ".*"}`)
	l.step(t, "PUT", "/1/files_put/auto/big", io.MultiReader(strings.NewReader("of unknown length")), `200 .*"bytes": 17.*`)

	before := l.objects.Keys()
	for _, length := range []string{"Content-Length: 500\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1f4\r\n"} {
		for _, params := range []string{"", "?overwrite=false"} {
			c, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.WriteString(c, "PUT /1/files_put/auto/short"+params+" HTTP/1.1\r\nHost: x\r\n"+bearer+length+strings.Repeat("x", 499))
			if err != nil {
				t.Fatal(err)
			}
			_ = c.(*net.TCPConn).CloseWrite()
			if all, err := io.ReadAll(c); err != nil || len(all) > 0 {
				t.Errorf("got %q, %v, want nothing", all, err)
			}
			_ = c.Close()
		}
	}
	if diff := cmp.Diff(before, l.objects.Keys()); diff != "" {
		t.Errorf("keys (-before +after):\n%s", diff)
	}
	if open := l.objects.OpenMultiparts(); len(open) > 0 {
		t.Errorf("multipart uploads are left: %v", open)
	}
}
