package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// A panic costs its own request and no other: 500 in v1's form, the stack in
// the log, and a count that alerts look at.
func TestPanic(t *testing.T) {
	told := &notebook{}
	s := start(t, &fakeEngine{append: func(context.Context, upload.Chunk) (upload.Status, error) { panic("boom") }},
		func(c *Config) { c.Observer = told })
	got := s.call(t, "PUT", "/1/chunked_upload", "Content-Length: 3\r\n", "abc")
	if got.status != 500 || got.body != `{"error": "Internal error"}` {
		t.Errorf("got %d %s, want 500 in v1's form", got.status, got.body)
	}
	if got := told.defects(); got != 1 {
		t.Errorf("%d defects were counted, want 1", got)
	}
	s.await(t, "panic_test.go")
	if got := s.call(t, "GET", "/healthz", "", ""); got.status != 200 {
		t.Errorf("the next request got %d", got.status)
	}
}

// What has begun to be answered can only break off: the client must not take it
// for the whole.
func TestPanicInAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		with    any
		defects int
	}{
		"defect": {"boom", 1},
		"abort":  {http.ErrAbortHandler, 0},
	} {
		t.Run(name, func(t *testing.T) {
			told, files := &notebook{}, uploadtest.NewObjects()
			mustPut(t, files, "uploads/ada/x", "content")
			s := start(t, &fakeEngine{}, func(c *Config) {
				c.Observer, c.Files = told, readPanics{files, test.with}
			})
			c := s.dial(t)
			_, _ = io.WriteString(c, "GET /1/files/auto/x HTTP/1.1\r\nHost: x\r\n"+bearer+"\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err == nil {
				_, err = io.ReadAll(res.Body)
			}
			if err == nil {
				t.Error("the answer looks complete")
			}
			await(t, "the end", func() bool { return told.len() == 1 })
			if got := told.defects(); got != test.defects {
				t.Errorf("%d defects were counted, want %d", got, test.defects)
			}
		})
	}
}

// readPanics is a store whose content panics after its first bytes.
type readPanics struct {
	upload.Files
	with any
}

func (f readPanics) Read(context.Context, string, string, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader("con"), panics{f.with})), nil
}

type panics struct{ with any }

func (p panics) Read([]byte) (int, error) { panic(p.with) }

// panickyConn is a connection that panics when it is read, as a defect of the
// framing would.
type panickyConn struct{ net.Conn }

func (panickyConn) Read([]byte) (int, error) { panic("boom") }

// net/http reads ahead in goroutines of its own, where nothing else would catch it.
func TestPanicOfAConnection(t *testing.T) {
	log, defects := &lockedBuffer{}, 0
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	c := &strictConn{Conn: panickyConn{ours}, log: slog.New(slog.NewTextHandler(log, nil)), defect: func() { defects++ }}
	for range 2 {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("got %v, want the panic as an error", err)
		}
	}
	if defects != 1 || !strings.Contains(log.String(), "panic_test.go") {
		t.Errorf("%d defects were counted, want 1; log:\n%s", defects, log.String())
	}
}

// observerPanics panics where no handler's guard is.
type observerPanics struct{ notebook }

func (o *observerPanics) Begun(int64) { panic("boom") }

func TestPanicAroundAHandler(t *testing.T) {
	told := &observerPanics{}
	s := start(t, &fakeEngine{}, func(c *Config) { c.Observer = told })
	c := s.dial(t)
	_, _ = io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
		t.Errorf("got %q, %v, want a closed connection", got, err)
	}
	if got := told.defects(); got != 1 {
		t.Errorf("%d defects were counted, want 1", got)
	}
	s.await(t, "panic_test.go")
}
