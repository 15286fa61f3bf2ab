package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

var errInterrupted = fmt.Errorf("body read interrupted: %w", upload.ErrUnavailable)

// body is a request's body under a rolling deadline, its errors in the
// engine's words. It is read by one goroutine at a time; all else may be
// called beside a Read.
type body struct {
	src  io.Reader
	conn *strictConn // that src comes from, if that may be spliced; or nil
	idle time.Duration

	length int64 // bytes announced; -1: unknown
	dry    bool  // nothing of the body waits in net/http's buffer

	read  atomic.Int64 // bytes
	asked atomic.Bool  // Read was called: a client that waits for 100 Continue was told to go on

	mu          sync.Mutex
	deadline    func(time.Time) error // of reading from the connection
	begun       time.Time             // of the first Read
	armed       time.Time             // when the deadline was last set
	interrupted bool
	deaf        bool // the engine is done: its interrupts come too late
	spoiled     bool // a read failed or was interrupted: net/http has given up the connection's context
	over        bool // at its end, or the request is: the deadline is no longer ours
}

func newBody(w http.ResponseWriter, r *http.Request, idle time.Duration) *body {
	return &body{
		src:      r.Body,
		conn:     spliceableConn(r.Context()),
		length:   r.ContentLength,
		idle:     idle,
		deadline: http.NewResponseController(w).SetReadDeadline,
		// net/http reads ahead already, and a deadline would look to it like
		// the client's departure.
		over: r.Body == http.NoBody,
	}
}

// Read errors are io.EOF, upload.ErrShortBody, upload.ErrIdle and, after
// interrupt, upload.ErrUnavailable, all wrapped.
func (b *body) Read(p []byte) (int, error) {
	if err := b.arm(); err != nil {
		return 0, err
	}
	b.asked.Store(true)
	n, err := b.src.Read(p)
	// At the end net/http reads from the connection on its own.
	b.dry = err == nil && n > 0 && b.conn != nil && n == b.conn.last
	return b.came(n, err)
}

// came accounts for what a read brought.
func (b *body) came(n int, err error) (int, error) {
	b.read.Add(int64(n))
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF:
		b.end(true)
		return n, io.EOF
	}
	return n, b.explain(err)
}

// arm moves the deadline on, but only after an eighth of it has passed: one
// Read in thousands sets a timer, and a stall is noticed after 1 to 1⅛ idle.
func (b *body) arm() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.interrupted {
		return errInterrupted
	}
	now := time.Now()
	if b.begun.IsZero() {
		b.begun = now
	}
	if b.over || now.Sub(b.armed) < b.idle/8 {
		return nil
	}
	b.armed = now
	// A recorder in a test has no deadlines; net/http's connections all do.
	_ = b.deadline(now.Add(b.idle + b.idle/8))
	return nil
}

// interrupt makes a blocked Read return, and all further ones fail.
func (b *body) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over || b.deaf {
		return
	}
	b.interrupted, b.spoiled = true, true
	_ = b.deadline(time.Unix(1, 0))
}

// resume takes an interrupt back, for what is left to be drained, and heeds no
// other.
func (b *body) resume() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.interrupted, b.deaf = false, true
	b.armed = time.Time{}
}

// end gives the deadline up: at the body's end, where net/http goes on to
// watch the connection and must not be disturbed, it is lifted; with the
// request it stays as a bound on what net/http itself may want to discard.
func (b *body) end(lift bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.over = true
	until := time.Time{}
	if !lift {
		until = time.Now().Add(b.idle)
	}
	_ = b.deadline(until)
}

// explain says a read error in the engine's words.
func (b *body) explain(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spoiled = true
	switch {
	case b.interrupted:
		return errInterrupted
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", upload.ErrIdle, err)
	}
	return fmt.Errorf("%w: %w", upload.ErrShortBody, err)
}

// firstAsked is when the body was first asked for; zero if it was not.
func (b *body) firstAsked() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

// state says whether nothing is left to read, and whether the connection is
// still good for another request.
func (b *body) state() (over, sound bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over, !b.spoiled
}
