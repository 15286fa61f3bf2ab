package s3backend

import (
	"fmt"
	"io"
	"syscall"

	"github.com/chunkgate/chunkgate/internal/splice"
	"github.com/chunkgate/chunkgate/upload"
)

// mostHoses at once: each may take a pipe's capacity of what an unprivileged
// user may have, 64 MiB. Who gets none sends in blocks.
const mostHoses = 32

// hoses lends the pipes that bodies without a checksum are spliced through, from
// the client's socket to the store's. Nobody waits for one.
type hoses struct {
	lent chan struct{} // one entry a pipe lent out
	idle chan *splice.Pipe
}

func newHoses(most int) *hoses {
	if !splice.Supported() {
		most = 0
	}
	return &hoses{lent: make(chan struct{}, most), idle: make(chan *splice.Pipe, most)}
}

// lend answers nil when there is none.
func (h *hoses) lend() *splice.Pipe {
	select {
	case h.lent <- struct{}{}:
	default:
		return nil
	}
	select {
	case p := <-h.idle:
		return p
	default:
	}
	p, err := splice.New()
	if err != nil { // as many as the system allows are in use
		<-h.lent
		return nil
	}
	return p
}

// giveBack takes a pipe back; one that is not empty is of no use any more.
func (h *hoses) giveBack(p *splice.Pipe) {
	if p.Len() > 0 {
		p.Close()
	} else {
		h.idle <- p
	}
	<-h.lent
}

// spliceable says that nobody has to see the bytes.
func (b *body) spliceable() bool { return b.sum == nil }

// splice sends what comes next past this process's memory, and answers how many
// bytes those were. 0 without an error: what comes next can only be read.
func (b *body) splice(p *splice.Pipe, to syscall.RawConn) (int, error) {
	src, ok := b.src.(upload.Splicer)
	if !ok || b.err != nil {
		return 0, b.err
	}
	b.watch.pause()
	n, err := src.Splice(p, int(min(b.left, splice.Capacity)))
	b.watch.resume()
	if err := b.came(n, err); n == 0 || err != nil {
		return 0, err
	}
	sent, err := p.Drain(to)
	if err != nil {
		return sent, fmt.Errorf("splice to the store: %w", err)
	}
	return sent, nil
}

// direct is a body that can be sent past this process's memory, or not.
type direct interface {
	spliceable() bool
	splice(p *splice.Pipe, to syscall.RawConn) (int, error)
}

// splice sends what r, which is limited to the body's length, can give through a
// pipe, as long as the client is not a slow one.
func (c *blockConn) splice(r io.Reader, pace *pace) (sent int64, err error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok || c.raw == nil {
		return 0, nil
	}
	d, ok := limited.R.(direct)
	if !ok || !d.spliceable() {
		return 0, nil
	}
	p := c.hoses.lend()
	if p == nil {
		return 0, nil
	}
	defer c.hoses.giveBack(p)
	for {
		pace.begin()
		n, err := d.splice(p, c.raw)
		if n == 0 {
			return sent, err
		}
		pace.end(n)
		sent += int64(n)
		limited.N -= int64(n)
		if err != nil || n < smallBlock || pace.slow {
			return sent, err
		}
	}
}
