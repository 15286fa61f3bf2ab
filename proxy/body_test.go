package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

const putChunk = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n" + bearer

// spy reads a chunk's body and keeps what it ended with.
func spy(ended chan<- error) *fakeEngine {
	return &fakeEngine{append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
		st, err := take(ctx, c)
		ended <- err
		return st, err
	}}
}

// A body that is cut or malformed is never answered: any answer could be taken
// for a refusal of the whole block. The request is logged all the same.
func TestBrokenBodies(t *testing.T) {
	const te = "Transfer-Encoding: chunked\r\n\r\n"
	for name, raw := range map[string]string{
		"shorter than announced":    "Content-Length: 10\r\n\r\nhello",
		"nothing of it":             "Content-Length: 10\r\n\r\n",
		"chunked, cut in a chunk":   te + "a\r\nhello",
		"chunked, cut between":      te + "5\r\nhello\r\n",
		"chunked, cut before CRLF":  te + "5\r\nhello\r\n0\r\n",
		"chunked, no number":        te + "5\r\nhello\r\nxyz\r\n",
		"chunked, longer than said": te + "3\r\nhello\r\n0\r\n\r\n",
		"chunked, number too great": te + "fffffffffffffffff\r\nhello",
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			s := start(t, spy(ended))
			c := s.dial(t).(*net.TCPConn)
			if _, err := io.WriteString(c, putChunk+raw); err != nil {
				t.Fatal(err)
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, upload.ErrShortBody) {
				t.Errorf("the engine saw %v, want %v", err, upload.ErrShortBody)
			}
			// Unread bytes make the kernel reset the connection instead of closing it.
			if got, _ := io.ReadAll(c); len(got) > 0 {
				t.Errorf("answered: %q", got)
			}
			s.await(t, "status=0")
		})
	}
}

// The body of a commit's form is under the same rules.
func TestBrokenForm(t *testing.T) {
	s := start(t, &fakeEngine{})
	c := s.dial(t).(*net.TCPConn)
	_, _ = fmt.Fprintf(c, "POST /1/commit_chunked_upload/auto/x HTTP/1.1\r\nHost: x\r\n%s%sContent-Length: 99\r\n\r\nupload", bearer, formed)
	_ = c.CloseWrite()
	if got, _ := io.ReadAll(c); len(got) > 0 {
		t.Errorf("answered: %q", got)
	}
}

// A client that stalls is told so and let go, whatever it has sent.
func TestIdleBody(t *testing.T) {
	for name, raw := range map[string]string{
		"at once":         "Content-Length: 10\r\n\r\n",
		"in the middle":   "Content-Length: 10\r\n\r\nhello",
		"in a chunk":      "Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"before the last": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			s := start(t, spy(ended), func(c *Config) { c.BodyIdle = 100 * time.Millisecond })
			began := time.Now()
			got := s.send(t, putChunk+raw)
			if got.status != http.StatusRequestTimeout || got.body != `{"error": "The body stalled"}` || !got.close {
				t.Errorf("got %d %s, closing: %t, want 408 and closing", got.status, got.body, got.close)
			}
			if err := <-ended; !errors.Is(err, upload.ErrIdle) {
				t.Errorf("the engine saw %v, want %v", err, upload.ErrIdle)
			}
			if d := time.Since(began); d < 100*time.Millisecond || d > 5*time.Second {
				t.Errorf("noticed after %v, want 100 ms and little more", d)
			}
		})
	}
}

// A slow client that does send is not idle, and its connection is good for
// another request, also one that comes later than the idle time.
func TestSlowBody(t *testing.T) {
	const idle = 300 * time.Millisecond
	s := start(t, &fakeEngine{append: take}, func(c *Config) { c.BodyIdle = idle })
	c := s.dial(t)
	r := bufio.NewReader(c)
	for range 2 {
		if _, err := io.WriteString(c, putChunk+"Content-Length: 8\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		tick := time.NewTicker(idle / 4)
		for range 8 { // 2 × idle in all
			<-tick.C
			if _, err := io.WriteString(c, "x"); err != nil {
				t.Fatal(err)
			}
		}
		tick.Stop()
		if got := mustAnswer(t, r); got.status != http.StatusOK || got.close {
			t.Fatalf("got %d %s, closing: %t, want 200 and no closing", got.status, got.body, got.close)
		}
		<-time.After(idle + idle/2) // the silence is what is tested
	}
}

// An engine that works on after the body's end is not taken for an idle client,
// and neither is one that lets the client wait in the middle.
func TestSlowEngine(t *testing.T) {
	const idle = 100 * time.Millisecond
	s := start(t, &fakeEngine{append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
		if _, err := io.ReadFull(c.Body, make([]byte, 4)); err != nil {
			return upload.Status{}, err
		}
		<-time.After(2 * idle)
		st, err := take(ctx, c)
		<-time.After(2 * idle)
		return st, err
	}}, func(c *Config) { c.BodyIdle = idle })
	c := s.dial(t)
	r := bufio.NewReader(c)
	for range 2 {
		if _, err := io.WriteString(c, putChunk+"Content-Length: 8\r\n\r\nabcdefgh"); err != nil {
			t.Fatal(err)
		}
		if got := mustAnswer(t, r); got.status != http.StatusOK || got.close {
			t.Fatalf("got %d %s, closing: %t, want 200 and no closing", got.status, got.body, got.close)
		}
	}
}

// Interrupt ends a blocked Read at once and fails all further ones. The client,
// who goes on sending, still reads its 503, on a connection that is not used again.
func TestInterrupt(t *testing.T) {
	const rest = 32 << 20
	ended := make(chan error, 2)
	s := start(t, &fakeEngine{append: func(_ context.Context, c upload.Chunk) (upload.Status, error) {
		if _, err := io.ReadFull(c.Body, make([]byte, 5)); err != nil {
			return upload.Status{}, err
		}
		go c.Interrupt()
		_, err := c.Body.Read(make([]byte, 5))
		ended <- err
		_, again := c.Body.Read(make([]byte, 5))
		ended <- again
		return upload.Status{}, err
	}})
	c := s.dial(t)
	if _, err := fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\nhello", putChunk, 5+rest); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, errInterrupted) || !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, errInterrupted)
		}
	}
	if _, err := c.Write(make([]byte, rest)); err != nil {
		t.Fatal(err)
	}
	if got := mustAnswer(t, bufio.NewReader(c)); got.status != http.StatusServiceUnavailable || !got.close {
		t.Errorf("got %d %s, closing: %t, want 503 and closing", got.status, got.body, got.close)
	}
}

// Once the body is at its end Interrupt does nothing: net/http watches the
// connection by then and would take it for the client's departure.
func TestInterruptComesLate(t *testing.T) {
	s := start(t, &fakeEngine{append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
		st, err := take(ctx, c)
		c.Interrupt()
		return st, err
	}})
	c := s.dial(t)
	r := bufio.NewReader(c)
	for _, raw := range []string{"Content-Length: 5\r\n\r\nhello", "Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"} {
		if _, err := io.WriteString(c, putChunk+raw); err != nil {
			t.Fatal(err)
		}
		if got := mustAnswer(t, r); got.status != http.StatusOK || got.close {
			t.Errorf("%q: got %d %s, closing: %t, want 200 and no closing", raw, got.status, got.body, got.close)
		}
	}
}

// Nor does anything else touch the deadline then, or ever if there is no body.
func TestNoDeadlineWithoutBody(t *testing.T) {
	r := httptest.NewRequest(http.MethodPut, "/", nil)
	r.Body = http.NoBody
	none := newBody(httptest.NewRecorder(), r, time.Hour)
	over := &body{src: strings.NewReader("x"), idle: time.Hour, deadline: func(time.Time) error { return nil }}
	if _, err := io.Copy(io.Discard, over); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*body{"no body": none, "at its end": over} {
		b.deadline = func(at time.Time) error {
			t.Errorf("%s: deadline set to %v", name, at)
			return nil
		}
		b.interrupt()
		if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("%s: read %d, %v, want EOF", name, n, err)
		}
		b.end(false)
	}
}

// The deadline is set once in many reads, not with each.
func TestDeadlineIsSetRarely(t *testing.T) {
	var set []time.Time
	b := &body{
		src:      strings.NewReader(strings.Repeat("x", 10_000)),
		idle:     time.Hour,
		deadline: func(at time.Time) error { set = append(set, at); return nil },
	}
	for one := make([]byte, 1); ; {
		if _, err := b.Read(one); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if len(set) != 2 || !set[1].IsZero() {
		t.Errorf("set to %v, want once and then lifted", set)
	}
	if n := b.read.Load(); n != 10_000 {
		t.Errorf("%d bytes counted, want 10000", n)
	}
}
