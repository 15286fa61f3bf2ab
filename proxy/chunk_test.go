package proxy

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chunkgate/chunkgate/upload"
)

// What the engine is asked for, by the request as clients write it.
func TestChunkRequests(t *testing.T) {
	const length = "Content-Length: 5\r\n"
	tests := map[string]struct {
		method, target, header, body string
		want                         upload.Chunk
	}{
		"python first":       {"PUT", "", length, "hello", upload.Chunk{Offset: upload.AnyOffset, Length: 5}},
		"android":            {"PUT", "/", length + "Content-Encoding: application/octet-stream\r\n", "hello", upload.Chunk{Offset: upload.AnyOffset, Length: 5}},
		"ruby first":         {"PUT", "?offset=0", length + "Content-Type: application/octet-stream\r\n", "hello", upload.Chunk{Length: 5}},
		"java":               {"PUT", "?locale=en_US&upload_id=" + testID + "&offset=1000", length, "hello", upload.Chunk{ID: testID, Offset: 1000, Length: 5}},
		"javascript":         {"POST", "?offset=15&upload_id=" + testID, length + "Content-Type: text/plain; charset=utf8\r\n", "hello", upload.Chunk{ID: testID, Offset: 15, Length: 5}},
		"shell":              {"PUT", "?&oauth_token=tok", length, "hello", upload.Chunk{Offset: upload.AnyOffset, Length: 5}},
		"perl":               {"PUT", "?upload_id=" + testID + "&offset=7&", length, "hello", upload.Chunk{ID: testID, Offset: 7, Length: 5}},
		"empty id":           {"PUT", "?upload_id=&offset=", length, "hello", upload.Chunk{Offset: upload.AnyOffset, Length: 5}},
		"offset without id":  {"PUT", "?offset=9", length, "hello", upload.Chunk{Offset: 9, Length: 5}},
		"no offset":          {"PUT", "?upload_id=" + testID, length, "hello", upload.Chunk{ID: testID, Offset: upload.AnyOffset, Length: 5}},
		"no body":            {"PUT", "?upload_id=" + testID + "&offset=5", "", "", upload.Chunk{ID: testID, Offset: 5}},
		"go":                 {"POST", "", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", upload.Chunk{Offset: upload.AnyOffset, Length: upload.UnknownLength}},
		"go, empty":          {"POST", "", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", upload.Chunk{Offset: upload.AnyOffset, Length: upload.UnknownLength}},
		"oddities":           {"PUT", "?a;b&%zz=1&upload_id=" + testID + "&offset=3;", length, "hello", upload.Chunk{ID: testID, Offset: upload.AnyOffset, Length: 5}},
		"promise":            {"PUT", "?path=/a//B.txt", length, "hello", upload.Chunk{Offset: upload.AnyOffset, Length: 5, Destination: "uploads/ada/a/B.txt", Root: "uploads/ada/", ContentType: "text/plain"}},
		"promise with root":  {"PUT", "?path=x&root=sandbox", length, "hello", upload.Chunk{Offset: upload.AnyOffset, Length: 5, Destination: "uploads/ada/x", Root: "uploads/ada/", ContentType: "application/octet-stream"}},
		"promise comes late": {"PUT", "?path=x&upload_id=" + testID, length, "hello", upload.Chunk{ID: testID, Offset: upload.AnyOffset, Length: 5}},
		"looks like a form": {"PUT", "", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 11\r\n", "upload_id=x",
			upload.Chunk{Offset: upload.AnyOffset, Length: 11}},
		"looks like multipart": {"PUT", "", "Content-Type: multipart/form-data; boundary=b\r\n" + length, "hello",
			upload.Chunk{Offset: upload.AnyOffset, Length: 5}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got upload.Chunk
			var body []byte
			s := start(t, &fakeEngine{append: func(_ context.Context, c upload.Chunk) (upload.Status, error) {
				got = c
				var err error
				body, err = io.ReadAll(c.Body)
				return upload.Status{ID: testID, Expires: testExpires}, err
			}})
			res := s.call(t, test.method, "/1/chunked_upload"+test.target, test.header, test.body)
			if res.status != http.StatusOK {
				t.Fatalf("got %d %s, want 200", res.status, res.body)
			}
			test.want.Owner = "ada"
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(upload.Chunk{}, "Body", "Interrupt")); diff != "" {
				t.Errorf("chunk (-want +got):\n%s", diff)
			}
			if want := strings.TrimSuffix(strings.TrimPrefix(test.body, "5\r\n"), "\r\n0\r\n\r\n"); name != "go, empty" && string(body) != want {
				t.Errorf("body %q, want %q", body, want)
			}
		})
	}
}

// Nothing but a mismatch may show an `offset`: clients act on that key.
func TestChunksRefused(t *testing.T) {
	s := start(t, &fakeEngine{})
	for query, want := range map[string]string{
		"offset=x":                             "offset is not a number of bytes",
		"offset=-1":                            "offset is not a number of bytes",
		"offset=%2B1":                          "offset is not a number of bytes",
		"offset=1.0":                           "offset is not a number of bytes",
		"offset=0x10":                          "offset is not a number of bytes",
		"offset=9223372036854775808":           "offset is not a number of bytes",
		"offset=99999999999999999999999999999": "offset is not a number of bytes",
		"path=../x":                            "path has a segment that is . or ..",
		"path=x&root=photos":                   "root is none of auto, dropbox and sandbox",
		"path=.staging/x":                      "path is reserved",
		"path=a/Desktop.ini":                   "path ends in a file name that is never stored",
	} {
		got := s.call(t, "PUT", "/1/chunked_upload?"+query, "Content-Length: 5\r\n", "hello")
		if body := `{"error": "` + want + `"}`; got.status != http.StatusBadRequest || got.body != body {
			t.Errorf("%s: got %d %s, want 400 %s", query, got.status, got.body, body)
		}
	}
}

// An id that the engine cannot have made is unknown, without asking.
func TestForeignIDs(t *testing.T) {
	s := start(t, &fakeEngine{})
	for _, id := range []string{"a%7Db", "a%2Fb", "%E9", "a.b", strings.Repeat("x", maxUploadID+1)} {
		for method, want := range map[string]int{"PUT": 404, "GET": 404, "DELETE": 404} {
			got := s.call(t, method, "/1/chunked_upload?offset=0&upload_id="+id, "", "")
			if got.status != want || got.body != `{"error": "No upload with upload_id found."}` {
				t.Errorf("%s %.20s: got %d %s, want %d", method, id, got.status, got.body, want)
			}
		}
		got := s.call(t, "POST", "/1/commit_chunked_upload/auto/x?upload_id="+id, "", "")
		if got.status != http.StatusBadRequest {
			t.Errorf("commit %.20s: got %d %s, want 400", id, got.status, got.body)
		}
	}
}

func TestParseOffset(t *testing.T) {
	for v, want := range map[string]int64{"": upload.AnyOffset, "0": 0, "00": 0, "31337": 31337, "9223372036854775807": math.MaxInt64} {
		if got, err := parseOffset(v); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", v, got, err, want)
		}
	}
}

func TestStatusAndDiscard(t *testing.T) {
	e := &fakeEngine{
		status: func(owner, id string) (upload.Status, error) {
			if owner != "ada" || id != testID {
				return upload.Status{}, upload.ErrNotFound
			}
			return upload.Status{ID: id, Expires: testExpires, Offset: 7}, nil
		},
		discard: func(owner, id string) error {
			if owner != "ada" || id != testID {
				return upload.ErrNotFound
			}
			return nil
		},
	}
	s := start(t, e)
	const missing, unknown = `{"error": "upload_id is missing"}`, `{"error": "No upload with upload_id found."}`
	tests := []struct {
		method, query string
		status        int
		body          string
	}{
		{"GET", "?upload_id=" + testID, 200, `{"expires": "Tue, 19 Jul 2011 21:55:38 +0000", "upload_id": "v0k84B0AT9fYkfMUp0sBTA", "offset": 7}`},
		{"GET", "?upload_id=other", 404, unknown},
		{"GET", "", 400, missing},
		{"DELETE", "?upload_id=" + testID, 200, `{"upload_id": "v0k84B0AT9fYkfMUp0sBTA"}`},
		{"DELETE", "?upload_id=other", 404, unknown},
		{"DELETE", "?upload_id=", 400, missing},
	}
	for _, test := range tests {
		got := s.call(t, test.method, "/1/chunked_upload"+test.query, "", "")
		if got.status != test.status || got.body != test.body {
			t.Errorf("%s %s: got %d %s, want %d %s", test.method, test.query, got.status, got.body, test.status, test.body)
		}
	}
}

// A chunk does not end with its client, so that it counts when it was received
// whole; only Halt reaches it.
func TestChunkOutlivesItsClient(t *testing.T) {
	ctx, hangUp := context.WithCancel(t.Context())
	var s *Server
	s = New(Config{Auth: Anyone(), Log: slog.New(slog.DiscardHandler), Engine: &fakeEngine{
		append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
			hangUp()
			if err := ctx.Err(); err != nil {
				t.Errorf("the chunk ended with its client: %v", err)
			}
			s.Halt()
			<-ctx.Done()
			if err := context.Cause(ctx); err != errHalted {
				t.Errorf("halted: got %v, want %v", err, errHalted)
			}
			return upload.Status{}, ctx.Err()
		},
	}})
	r := httptest.NewRequestWithContext(ctx, http.MethodPut, "/1/chunked_upload", strings.NewReader("hello"))
	s.ServeHTTP(httptest.NewRecorder(), r)
}
