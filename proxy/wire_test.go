package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// exchange writes raw bytes and reads all that comes back until the server
// closes, which the request has to ask for.
func (s *site) exchange(tb testing.TB, raw string) string {
	tb.Helper()
	c := s.dial(tb)
	if _, err := io.WriteString(c, raw); err != nil {
		tb.Fatal(err)
	}
	all, err := io.ReadAll(bufio.NewReader(c))
	if err != nil {
		tb.Fatal(err)
	}
	return regexp.MustCompile(`Date: [^\r]*\r\n`).ReplaceAllString(string(all), "")
}

// The bytes of an answer, all of them but the date: shell clients match them.
func TestWireOfChunk(t *testing.T) {
	s := start(t, &fakeEngine{append: take})
	got := s.exchange(t, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: r-1\r\n"+bearer+
		"Content-Length: 31337\r\n\r\n"+strings.Repeat("x", 31337))
	body := `{"expires": "Tue, 19 Jul 2011 21:55:38 +0000", "upload_id": "v0k84B0AT9fYkfMUp0sBTA", "offset": 31337}`
	want := "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: text/javascript\r\nX-Request-Id: r-1\r\n" +
		fmt.Sprintf("Content-Length: %d\r\nConnection: close\r\n\r\n", len(body)) + body
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestErrorsOfChunk(t *testing.T) {
	const id = "?upload_id=" + testID
	tests := map[string]struct {
		err    error
		status int
		retry  string
		body   string
	}{
		"offset": {
			err:    &upload.OffsetError{ID: testID, Expires: testExpires, Got: 4194304, Want: 0},
			status: 400,
			body: `{"expires": "Tue, 19 Jul 2011 21:55:38 +0000", "upload_id": "v0k84B0AT9fYkfMUp0sBTA", "offset": 0, ` +
				`"error": "Submitted input out of alignment: got [4194304] expected [0]"}`,
		},
		"not found":   {err: upload.ErrNotFound, status: 404, body: `{"error": "No upload with upload_id found."}`},
		"completed":   {err: upload.ErrCompleted, status: 400, body: `{"error": "Upload with upload_id v0k84B0AT9fYkfMUp0sBTA already completed"}`},
		"busy":        {err: upload.ErrBusy, status: 503, retry: "2", body: `{"error": "The upload is being committed"}`},
		"unavailable": {err: upload.ErrUnavailable, status: 503, retry: "2", body: `{"error": "Storage is not available now"}`},
		"halted":      {err: errHalted, status: 503, retry: "2", body: `{"error": "The server is stopping"}`},
		"cancelled":   {err: context.Canceled, status: 503, retry: "2", body: `{"error": "The request was given up"}`},
		"timeout":     {err: context.DeadlineExceeded, status: 503, retry: "2", body: `{"error": "The request took too long"}`},
		"conflict":    {err: upload.ErrConflict, status: 409, body: `{"error": "There is a file or a folder in the way"}`},
		"too large":   {err: upload.ErrTooLarge, status: 413, body: `{"error": "Chunk or file is too large"}`},
		"idle":        {err: upload.ErrIdle, status: 408, body: `{"error": "The body stalled"}`},
		"invalid":     {err: &upload.InvalidError{Reason: "no \"ü\""}, status: 400, body: `{"error": "no \"\u00fc\""}`},
		"defect":      {err: errors.New("secret cause"), status: 500, body: `{"error": "Internal error"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, &fakeEngine{append: func(context.Context, upload.Chunk) (upload.Status, error) {
				return upload.Status{}, fmt.Errorf("wrapped: %w", test.err)
			}}, func(c *Config) { c.RetryAfter = 1500e6 })
			got := s.call(t, "PUT", "/1/chunked_upload"+id, "Content-Length: 3\r\n", "abc")
			if got.status != test.status || got.body != test.body || got.header.Get("Retry-After") != test.retry {
				t.Errorf("got %d, Retry-After %q, %s\nwant %d, %q, %s",
					got.status, got.header.Get("Retry-After"), got.body, test.status, test.retry, test.body)
			}
		})
	}
}

// A defect's cause is in the log and not in the answer, a panic's too; the
// server lives on.
func TestPanicIsAnError(t *testing.T) {
	s := start(t, &fakeEngine{append: func(context.Context, upload.Chunk) (upload.Status, error) { panic("boom") }})
	for range 2 {
		if got := s.call(t, "PUT", "/1/chunked_upload", "", ""); got.status != 500 || strings.Contains(got.body, "boom") {
			t.Errorf("got %d %s, want 500 without the cause", got.status, got.body)
		}
	}
	s.await(t, `err="panic: boom`)
}

func TestRoutes(t *testing.T) {
	s := start(t, &fakeEngine{})
	tests := []struct {
		method, target string
		status         int
		allow, body    string
	}{
		{"GET", "/", 404, "", `{"error": "No such endpoint"}`},
		{"PUT", "/1/nothing", 404, "", `{"error": "No such endpoint"}`},
		{"POST", "/1/commit_chunked_upload", 404, "", `{"error": "No such endpoint"}`},
		{"PATCH", "/1/chunked_upload", 405, "OPTIONS, DELETE, GET, POST, PUT", `{"error": "Method not allowed"}`},
		{"GET", "/1/commit_chunked_upload/auto/x", 405, "OPTIONS, POST", `{"error": "Method not allowed"}`},
	}
	for _, test := range tests {
		got := s.call(t, test.method, test.target, "Content-Length: 3\r\n", "abc")
		if got.status != test.status || got.body != test.body || got.header.Get("Allow") != test.allow {
			t.Errorf("%s %s: got %d, Allow %q, %s\nwant %d, %q, %s", test.method, test.target,
				got.status, got.header.Get("Allow"), got.body, test.status, test.allow, test.body)
		}
		if got.close {
			t.Errorf("%s %s: connection closed although the body was read", test.method, test.target)
		}
	}
}
