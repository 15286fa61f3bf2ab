package proxy

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// One line a request, with what it was about and why it failed.
func TestLog(t *testing.T) {
	tests := map[string]struct {
		engine *fakeEngine
		method string
		target string
		want   string
	}{
		"chunk": {&fakeEngine{append: take}, "PUT", "/1/chunked_upload",
			`level=INFO msg=request method=PUT route=/1/chunked_upload status=200 bytes=5 dur=D owner=ada upload=v0k84B0AT9fYkfMUp0sBTA offset=5`},
		"mismatch": {refuse(&upload.OffsetError{ID: testID, Got: 1, Want: 2}), "PUT", "/1/chunked_upload",
			`level=INFO msg=request method=PUT route=/1/chunked_upload status=400 bytes=5 dur=D owner=ada upload=v0k84B0AT9fYkfMUp0sBTA offset=2 err="offset is 2, not 1"`},
		"unavailable": {refuse(upload.ErrUnavailable), "PUT", "/1/chunked_upload" + query,
			`level=WARN msg=request method=PUT route=/1/chunked_upload status=503 bytes=5 dur=D owner=ada upload=v0k84B0AT9fYkfMUp0sBTA err="storage unavailable"`},
		"defect": {refuse(errors.New("the cause")), "POST", "/1/chunked_upload",
			`level=ERROR msg=request method=POST route=/1/chunked_upload status=500 bytes=5 dur=D owner=ada err="the cause"`},
		"not found": {&fakeEngine{}, "PUT", "/elsewhere",
			`level=INFO msg=request method=PUT route="" status=404 bytes=5 dur=D err="code=404, message=Not Found"`},
		"commit": {&fakeEngine{}, "POST", "/1/commit_chunked_upload/auto/secret.txt" + query + "x",
			`level=ERROR msg=request method=POST route=/1/commit_chunked_upload/* status=500 bytes=5 dur=D owner=ada upload=v0k84B0AT9fYkfMUp0sBTAx err="call that the test does not expect"`},
		"health": {&fakeEngine{}, "GET", "/healthz",
			`level=DEBUG msg=request method=GET route=/healthz status=200 bytes=0 dur=D`},
	}
	varying := regexp.MustCompile(`(?m)^time=\S+ | req=\S+| dur=\S+`)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, test.engine)
			s.call(t, test.method, test.target, "Content-Length: 5\r\n", "hello")
			s.await(t, "msg=request")
			got := varying.ReplaceAllStringFunc(strings.TrimSuffix(s.log.String(), "\n"), func(m string) string {
				dur, ok := strings.CutPrefix(m, " dur=")
				if ok {
					if _, err := strconv.ParseFloat(dur, 64); err != nil {
						t.Errorf("dur is no number of seconds: %v", err)
					}
					return " dur=D"
				}
				return ""
			})
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// No form of a token or of a query reaches the log, whatever becomes of the request.
func TestLogKeepsSecrets(t *testing.T) {
	for name, engine := range map[string]*fakeEngine{
		"taken": {append: take},
		"panic": {append: func(context.Context, upload.Chunk) (upload.Status, error) { panic("boom") }},
		"wrong": refuse(errors.New("cause")),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, engine)
			for _, request := range []string{
				"PUT /1/chunked_upload?access_token=tok-4f1c HTTP/1.1\r\nHost: x\r\n\r\n",
				"PUT /1/chunked_upload?access_token=hunter2&oauth_signature=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
				"PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tok-4f1c\r\n\r\n",
				"PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: OAuth hunter2\r\n\r\n",
				"PUT /1/chunked_upload?upload_id=hunter2/&offset=hunter2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tok-4f1c\r\n\r\n",
				"GET /elsewhere/hunter2?access_token=hunter2 HTTP/1.1\r\nHost: x\r\n\r\n",
				"PUT /1/chunked_upload?access_token=tok-4f1c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: hunter2\r\n\r\n",
			} {
				s.send(t, request)
			}
			await(t, "six lines", func() bool { return strings.Count(s.log.String(), "msg=request") == 6 })
			for _, secret := range []string{"tok-4f1c", "hunter2"} {
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("%s is in the log:\n%s", secret, s.log.String())
				}
			}
		})
	}
}

// Without a Log it is the default one that is written to.
func TestDefaultLog(t *testing.T) {
	if got := New(Config{}).cfg.Log; got != slog.Default() {
		t.Errorf("got %v, want slog.Default()", got)
	}
}
