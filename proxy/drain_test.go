package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// refuse answers an error without having read a byte.
func refuse(err error) *fakeEngine {
	return &fakeEngine{append: func(context.Context, upload.Chunk) (upload.Status, error) {
		return upload.Status{}, err
	}}
}

// Most clients write the whole body before they read. They get their answer
// every time, and may go on with the connection. Without the drain this fails
// at once.
func TestRefusalIsReadable(t *testing.T) {
	const size = 32 << 20
	mismatch := &upload.OffsetError{ID: testID, Expires: testExpires, Got: 5, Want: 3}
	tests := map[string]struct {
		engine *fakeEngine
		header string
		status int
		body   string
	}{
		"mismatch":    {refuse(mismatch), bearer, 400, `{"expires": "Tue, 19 Jul 2011 21:55:38 +0000", "upload_id": "v0k84B0AT9fYkfMUp0sBTA", "offset": 3, "error": "Submitted input out of alignment: got [5] expected [3]"}`},
		"not found":   {refuse(upload.ErrNotFound), bearer, 404, `{"error": "No upload with upload_id found."}`},
		"unavailable": {refuse(upload.ErrUnavailable), bearer, 503, `{"error": "Storage is not available now"}`},
		"no account":  {&fakeEngine{}, "", 401, `{"error": "Access token is missing, malformed or unknown"}`},
	}
	block := make([]byte, 1<<20)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := start(t, test.engine)
			c := s.dial(t)
			r := bufio.NewReader(c)
			for try := range 20 {
				if try%4 == 0 { // some tries on a new connection, some on a used one
					c = s.dial(t)
					r = bufio.NewReader(c)
				}
				if _, err := fmt.Fprintf(c, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n", test.header, size); err != nil {
					t.Fatalf("try %d: %v", try, err)
				}
				for range size / len(block) {
					if _, err := c.Write(block); err != nil {
						t.Fatalf("try %d: %v", try, err)
					}
				}
				if got := mustAnswer(t, r); got.status != test.status || got.body != test.body || got.close {
					t.Fatalf("try %d: got %d %s, closing: %t, want %d %s", try, got.status, got.body, got.close, test.status, test.body)
				}
			}
		})
	}
}

// A client that waits for 100 Continue gets the refusal instead, without having
// sent its body; one that is accepted gets both.
func TestExpectContinue(t *testing.T) {
	const head = putChunk + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
	got := start(t, refuse(upload.ErrNotFound)).send(t, head)
	if got.status != http.StatusNotFound || !got.close {
		t.Errorf("refused: got %d %s, closing: %t, want 404 and closing", got.status, got.body, got.close)
	}

	s := start(t, &fakeEngine{append: take})
	c := s.dial(t)
	r := bufio.NewReader(c)
	if _, err := io.WriteString(c, head); err != nil {
		t.Fatal(err)
	}
	if got := mustAnswer(t, r); got.status != http.StatusContinue {
		t.Fatalf("accepted: got %d %s, want 100", got.status, got.body)
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if got := mustAnswer(t, r); got.status != http.StatusOK {
		t.Errorf("accepted: got %d %s, want 200", got.status, got.body)
	}
}

// One that was told to go on is drained like any other.
func TestExpectContinueRefusedLater(t *testing.T) {
	s := start(t, &fakeEngine{append: func(_ context.Context, c upload.Chunk) (upload.Status, error) {
		_, err := c.Body.Read(make([]byte, 1))
		if err == nil {
			err = upload.ErrUnavailable
		}
		return upload.Status{}, err
	}})
	c := s.dial(t)
	r := bufio.NewReader(c)
	if _, err := io.WriteString(c, putChunk+"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got := mustAnswer(t, r); got.status != http.StatusContinue {
		t.Fatalf("got %d %s, want 100", got.status, got.body)
	}
	if _, err := io.WriteString(c, strings.Repeat("x", 1_000_000)); err != nil {
		t.Fatal(err)
	}
	if got := mustAnswer(t, r); got.status != http.StatusServiceUnavailable || got.close {
		t.Errorf("got %d %s, closing: %t, want 503 and no closing", got.status, got.body, got.close)
	}
}

// A body that is announced as longer than any chunk is not waited for, one that
// turns out to be is read no further than the bound, and one that stalls no
// longer than BodyIdle: the answer comes all the same.
func TestDrainIsBounded(t *testing.T) {
	const most = 1000
	endless := fmt.Sprintf("%x\r\n%s\r\n", most, strings.Repeat("x", most))
	for name, test := range map[string]struct {
		raw  string
		idle time.Duration
	}{
		"announced": {"Content-Length: 1099511627776\r\n\r\nx", time.Hour},
		"chunked":   {"Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(endless, (drainSlack+most)/most+1), time.Hour},
		"stalled":   {"Content-Length: 100\r\n\r\nx", 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, refuse(upload.ErrTooLarge), func(c *Config) {
				c.MaxChunk = most
				c.BodyIdle = test.idle
			})
			got := s.send(t, putChunk+test.raw)
			if got.status != http.StatusRequestEntityTooLarge || !got.close {
				t.Errorf("got %d %s, closing: %t, want 413 and closing", got.status, got.body, got.close)
			}
		})
	}
}

// A body that the handler does not care for holds up its answer, which net/http
// writes only after it, no longer than BodyIdle.
func TestUnreadBodyIsBounded(t *testing.T) {
	s := start(t, &fakeEngine{commit: func(context.Context, upload.CommitRequest) (upload.Object, error) {
		return upload.Object{}, nil
	}}, func(c *Config) { c.BodyIdle = 200 * time.Millisecond })
	got := s.call(t, "POST", "/1/commit_chunked_upload/auto/x"+query, "Content-Length: 100\r\n", "never more")
	if got.status != http.StatusOK {
		t.Errorf("got %d %s, want 200", got.status, got.body)
	}
}
