package proxy

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// patientLimiter answers a while after it was asked, unless the caller gives up.
type patientLimiter struct{}

func (patientLimiter) Allow(ctx context.Context, _ string, _ int) (time.Duration, error) {
	return 0, ctx.Err()
}

// Python 2.7's put_file with a reader, and anything by HTTP/1.0, may send a
// body and tell nothing of its length. Taken for an empty one, it empties the
// file that is there.
func TestBodyWithoutAnEnd(t *testing.T) {
	reached := false
	e := &fakeEngine{
		append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) { reached = true; return take(ctx, c) },
		put: func(_ context.Context, r upload.PutRequest) (upload.Object, error) {
			reached = true
			return upload.Object{Key: "uploads/ada/f"}, nil
		},
		commit: func(context.Context, upload.CommitRequest) (upload.Object, error) {
			reached = true
			return upload.Object{Key: "uploads/ada/f"}, nil
		},
	}
	s := start(t, e, func(c *Config) {
		c.Auth = mustTokens(t, strings.TrimSuffix(tokensFile, "\n")+" max-rate=1000\n")
		c.Rates = patientLimiter{}
	})
	const body = "a body\nof several lines\n"
	for _, test := range []struct {
		name, line, header, body string
		status                   int
	}{
		{"file", "PUT /1/files_put/auto/f HTTP/1.1", "", body, 411},
		{"file by POST", "POST /1/files_put/auto/f HTTP/1.1", "", body, 411},
		{"chunk", "PUT /1/chunked_upload HTTP/1.1", "", body, 411},
		{"chunk by POST", "POST /1/chunked_upload?offset=0 HTTP/1.1", "", body, 411},
		{"file by HTTP/1.0", "PUT /1/files_put/auto/f HTTP/1.0", "", body, 411},
		{"chunk by HTTP/1.0, nothing behind it", "PUT /1/chunked_upload HTTP/1.0", "", "", 411},
		{"file, nothing behind it", "PUT /1/files_put/auto/f HTTP/1.1", "", "", 411},

		{"empty file", "PUT /1/files_put/auto/f HTTP/1.1", "Content-Length: 0\r\n", "", 200},
		{"empty chunk", "PUT /1/chunked_upload HTTP/1.1", "Content-Length: 0\r\n", "", 200},
		{"empty file by HTTP/1.0", "PUT /1/files_put/auto/f HTTP/1.0", "Content-Length: 0\r\n", "", 200},
		{"chunked file", "PUT /1/files_put/auto/f HTTP/1.1", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 200},
		{"chunked chunk", "POST /1/chunked_upload HTTP/1.1", "Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n", 200},
		{"commit", "POST /1/commit_chunked_upload/auto/f?upload_id=" + testID + " HTTP/1.1", "", "", 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			reached = false
			got := s.send(t, test.line+"\r\nHost: x\r\n"+bearer+test.header+"\r\n"+test.body)
			if got.status != test.status || reached != (test.status == 200) {
				t.Errorf("got %d %s, engine reached %v; want %d", got.status, got.body, reached, test.status)
			}
			if got.status == 411 && (!got.close || !strings.HasPrefix(got.body, `{"error": "The end of the body is not told`)) {
				t.Errorf("got %s, connection closed: %v; what follows must not be read as a request", got.body, got.close)
			}
		})
	}
}

// Without a token it is the refusal that all get.
func TestBodyWithoutAnEndOfAStranger(t *testing.T) {
	s := start(t, &fakeEngine{})
	if got := s.send(t, "PUT /1/files_put/auto/f HTTP/1.1\r\nHost: x\r\n\r\nbody\n"); got.status != 401 {
		t.Errorf("got %d %s, want 401", got.status, got.body)
	}
}
