package s3backend

import (
	"context"
	"fmt"
	"hash"
	"io"
	"syscall"

	"github.com/chunkgate/chunkgate/internal/splice"
	"github.com/chunkgate/chunkgate/upload"
)

// hoses at once. Each may take two pipes' capacity of what an unprivileged user
// may have, 64 MiB; who gets none sends in blocks.
const mostHoses = 24

// hose is what a body is spliced through, from the client's socket to the
// store's. Its bytes are looked at for the checksum in a second pipe that shares
// their pages; that is half of what a copy in and out would cost.
type hose struct {
	body   *splice.Pipe
	shared *splice.Pipe
	look   []byte
}

// lookSize is small enough for the bytes to be in the processor's cache still
// when they are summed.
const lookSize = 64 << 10

func newHose() (*hose, error) {
	body, err := splice.New()
	if err != nil {
		return nil, err
	}
	shared, err := splice.New()
	if err != nil {
		body.Close()
		return nil, err
	}
	return &hose{body: body, shared: shared, look: make([]byte, lookSize)}, nil
}

func (h *hose) close() {
	h.body.Close()
	h.shared.Close()
}

// fill waits for up to most bytes of src; 0 without an error: they can only be
// read. What is not nil is told of them.
func (h *hose) fill(src io.Reader, most int64) (int, error) {
	s, ok := src.(upload.Splicer)
	if !ok {
		return 0, nil
	}
	return s.Splice(h.body, int(min(most, splice.Capacity)))
}

// sum adds what the hose holds to a checksum.
func (h *hose) sum(to hash.Hash) error {
	if err := h.body.Share(h.shared); err != nil {
		return err
	}
	for {
		n, err := h.shared.Read(h.look)
		to.Write(h.look[:n])
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// hoses lends hoses. Nobody waits for one.
type hoses struct {
	lent chan struct{} // one entry a hose lent out
	idle chan *hose
}

func newHoses(most int) *hoses {
	if !splice.Supported() {
		most = 0
	}
	return &hoses{lent: make(chan struct{}, most), idle: make(chan *hose, most)}
}

// lend answers nil when there is none.
func (l *hoses) lend() *hose {
	select {
	case l.lent <- struct{}{}:
	default:
		return nil
	}
	select {
	case h := <-l.idle:
		return h
	default:
	}
	h, err := newHose()
	if err != nil { // as many as the system allows are in use
		<-l.lent
		return nil
	}
	return h
}

// giveBack takes a hose back; one that is not empty is of no use any more.
func (l *hoses) giveBack(h *hose) {
	if h.body.Len() > 0 || h.shared.Len() > 0 {
		h.close()
	} else {
		l.idle <- h
	}
	<-l.lent
}

// direct is a body that can be sent past this process's memory.
type direct interface {
	// splice sends what comes next, framing included, and answers how many bytes
	// those were. 0 without an error: what comes next can only be read.
	splice(h *hose, to syscall.RawConn) (int, error)
}

type directKey struct{}

// withDirect lets the gatekeeper see body through what the SDK puts around it.
func withDirect(ctx context.Context, body io.Reader) context.Context {
	d, ok := body.(direct)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, directKey{}, d)
}

func directOf(ctx context.Context) direct {
	d, _ := ctx.Value(directKey{}).(direct)
	return d
}

// fill is a Read into h.
func (b *body) fill(h *hose, most int64) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.watch.pause()
	n, err := h.fill(b.src, min(most, b.left))
	b.watch.resume()
	if n > 0 && err == nil && b.sum != nil {
		err = h.sum(b.sum)
	}
	return n, b.came(n, err)
}

// splice implements direct.
func (b *body) splice(h *hose, to syscall.RawConn) (int, error) {
	if n, err := b.fill(h, b.left); n == 0 || err != nil {
		return 0, err
	}
	return h.body.Drain(to)
}

// splice implements direct.
func (f *framing) splice(h *hose, to syscall.RawConn) (int, error) {
	if f.block == 0 && !f.ended {
		f.announce()
	}
	n, err := f.body.fill(h, f.block)
	if n == 0 || err != nil {
		return 0, err
	}
	f.block -= int64(n)
	head := f.pending
	f.pending = nil
	begun, err := splice.Announce(to, head)
	if err != nil {
		return begun, err
	}
	sent, err := h.body.Drain(to)
	if err != nil {
		return begun + sent, fmt.Errorf("splice to the store: %w", err)
	}
	return begun + sent, nil
}
