package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/splice"
	"github.com/chunkgate/chunkgate/upload"
)

// drawn is a pipe that can be looked into.
type drawn struct{ content [splice.Capacity]byte }

// Fill implements upload.Pipe.
func (d *drawn) Fill(from syscall.RawConn, most int) (n int, err error) {
	waited := from.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), d.content[:min(most, len(d.content))])
		return err != syscall.EAGAIN
	})
	switch {
	case waited != nil:
		return 0, waited
	case err == nil && n == 0:
		return 0, io.EOF
	}
	return max(n, 0), err
}

// siphon is an engine that splices whatever can be spliced and reads the rest.
type siphon struct {
	sum     chan [sha256.Size]byte
	spliced chan int
	ended   chan error
	begun   func(upload.Chunk) // called once, when a Splice has brought bytes; or nil
}

func newSiphon() *siphon {
	return &siphon{make(chan [sha256.Size]byte, 10), make(chan int, 10), make(chan error, 10), nil}
}

func (s *siphon) engine() *fakeEngine {
	return &fakeEngine{append: func(_ context.Context, c upload.Chunk) (upload.Status, error) {
		n, err := s.take(c)
		s.ended <- err
		return upload.Status{ID: testID, Expires: testExpires, Offset: n}, err
	}}
}

func (s *siphon) take(c upload.Chunk) (int64, error) {
	pipe := &drawn{}
	sum, spliced, all := sha256.New(), 0, int64(0)
	buf := make([]byte, leastSplice)
	for {
		n, err := c.Body.(upload.Splicer).Splice(pipe, splice.Capacity)
		if err != nil {
			return all, err
		}
		if n > 0 {
			sum.Write(pipe.content[:n])
			if spliced == 0 && s.begun != nil {
				s.begun(c)
			}
			spliced, all = spliced+n, all+int64(n)
			continue
		}
		n, err = c.Body.Read(buf)
		all += int64(n)
		sum.Write(buf[:n])
		switch {
		case err == io.EOF:
			s.sum <- [sha256.Size]byte(sum.Sum(nil))
			s.spliced <- spliced
			return all, nil
		case err != nil:
			return all, err
		}
	}
}

// Requests one after the other on a connection are read exactly, whatever was
// spliced of them and however their bytes come.
func TestSplice(t *testing.T) {
	content := make([]byte, 3<<20+7)
	rand.NewChaCha8([32]byte{2}).Read(content)
	for _, step := range []int{8 << 20, 100_000, 4096, 1000} {
		t.Run(fmt.Sprintf("by %d bytes", step), func(t *testing.T) {
			to := newSiphon()
			s := start(t, to.engine())
			sizes := []int{len(content), 1, leastSplice, leastSplice + 1, 4095, 2<<20 + 1, 0, 200_000}
			c := s.dial(t)
			go func() {
				var all []byte
				for _, size := range sizes {
					all = append(fmt.Appendf(all, "%sContent-Length: %d\r\n\r\n", putChunk, size), content[:size]...)
				}
				for ; len(all) > 0; all = all[min(step, len(all)):] {
					if _, err := c.Write(all[:min(step, len(all))]); err != nil {
						t.Errorf("write: %v", err)
						return
					}
				}
			}()
			r, total := bufio.NewReader(c), 0
			for _, size := range sizes {
				if got := mustAnswer(t, r); got.status != http.StatusOK || got.close {
					t.Fatalf("%d bytes: got %d %s", size, got.status, got.body)
				}
				if <-to.sum != sha256.Sum256(content[:size]) {
					t.Errorf("%d bytes: what was taken is not what was sent", size)
				}
				total += <-to.spliced
			}
			if total < len(content)/2 {
				t.Errorf("only %d bytes were spliced", total)
			}
		})
	}
}

// A spliced body ends in an error as one that is read.
func TestSplicedBodyFails(t *testing.T) {
	const announced = 4 << 20
	for name, test := range map[string]struct {
		then func(net.Conn) // after a first megabyte
		want error
	}{
		"cut":         {func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }, upload.ErrShortBody},
		"stalled":     {func(net.Conn) {}, upload.ErrIdle},
		"interrupted": {nil, errInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			to := newSiphon()
			if test.then == nil {
				to.begun = func(c upload.Chunk) { c.Interrupt() }
			}
			s := start(t, to.engine(), func(c *Config) { c.BodyIdle = 200 * time.Millisecond })
			c := s.dial(t)
			if _, err := fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n", putChunk, announced); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
			if test.then != nil {
				test.then(c)
			}
			if err := <-to.ended; !errors.Is(err, test.want) {
				t.Errorf("the engine saw %v, want %v", err, test.want)
			}
		})
	}
}

// Should net/http ever hold bytes where none were expected, they are not lost
// in silence.
func TestMisplaced(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 1<<20)
	r := httptest.NewRequest(http.MethodPut, "/1/chunked_upload", bytes.NewReader(content))
	b := newBody(httptest.NewRecorder(), r, time.Hour)
	b.conn, b.dry = &strictConn{}, true
	if _, err := b.Splice(&drawn{}, splice.Capacity); !errors.Is(err, errMisplaced) {
		t.Errorf("got %v, want %v", err, errMisplaced)
	}
	if _, sound := b.state(); sound {
		t.Error("the connection is thought to be good for another request")
	}
}

// What was spliced past the framing's eyes counts for it: the request behind it
// is looked at as any other.
func TestSmugglingBehindSplice(t *testing.T) {
	const size = 1 << 20
	to := newSiphon()
	s := start(t, to.engine())
	c := s.dial(t)
	go func() {
		_, _ = fmt.Fprintf(c, "%sContent-Length: %d\r\n\r\n%s", putChunk, size, bytes.Repeat([]byte("x"), size))
		_, _ = io.WriteString(c, putChunk+"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+discard)
	}()
	r := bufio.NewReader(c)
	if got := mustAnswer(t, r); got.status != http.StatusOK || <-to.spliced == 0 {
		t.Fatalf("got %d %s, want 200 and some bytes spliced", got.status, got.body)
	}
	if got := mustAnswer(t, r); got.status != http.StatusBadRequest || !got.close {
		t.Errorf("got %d %s, closing: %t, want 400 and closing", got.status, got.body, got.close)
	}
}
