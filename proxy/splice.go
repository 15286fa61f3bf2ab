package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/chunkgate/chunkgate/internal/splice"
	"github.com/chunkgate/chunkgate/upload"
)

// A body's bytes can go from the client's socket to the store's without passing
// through this process (internal/splice). But net/http owns the connection and
// has to know how far the body was read. So it is asked to read as ever, into a
// buffer that is not there: net/http hands a read that is larger than its own
// buffer through to the connection, when that buffer is empty, and our
// connection (strict.go) puts the bytes into the pipe instead and says how many
// they were. Whether net/http really did so is seen each time.

// leastSplice is the size in bytes of the reads that net/http hands through for
// sure: its own buffer has 4 KiB. For less, copying is cheaper anyway.
const leastSplice = 32 << 10

// nowhere is the buffer that is not there. Nobody writes to it, so it takes no
// memory: only its length counts.
var nowhere [splice.Capacity]byte

var errMisplaced = fmt.Errorf("body came where it was not expected: %w", upload.ErrUnavailable)

// Splice implements upload.Splicer. The last byte is left to Read: with it
// net/http begins to watch the connection on its own.
func (b *body) Splice(p upload.Pipe, most int) (int, error) {
	most = int(min(int64(most), int64(len(nowhere)), b.length-b.read.Load()-1))
	if !b.dry || most < leastSplice {
		return 0, nil
	}
	if err := b.arm(); err != nil {
		return 0, err
	}
	b.conn.into = p
	n, err := b.src.Read(nowhere[:most])
	if b.conn.into != nil { // not asked: net/http had the bytes
		b.conn.into, b.dry = nil, false
		if n > 0 {
			b.spoil()
			return n, errMisplaced
		}
	}
	return b.came(n, err)
}

// spoil gives the connection up.
func (b *body) spoil() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spoiled = true
}

// splice is a Read of up to most bytes of content that go into a pipe.
func (c *strictConn) splice(p upload.Pipe, most int) (int, error) {
	if int64(most) > c.framing.left {
		return 0, errors.New("splice beyond a request's body")
	}
	n, err := p.Fill(c.raw, most)
	c.framing.skip(n)
	return n, err
}

// spliceable is what of a connection may be spliced: TCP without TLS.
func spliceable(c net.Conn) syscall.RawConn {
	if !splice.Supported() {
		return nil
	}
	return plainSocket(c)
}

type connKey struct{}

// rememberConn is an http.Server's ConnContext.
func rememberConn(ctx context.Context, c net.Conn) context.Context {
	if strict, ok := c.(*strictConn); ok && strict.raw != nil {
		return context.WithValue(ctx, connKey{}, strict)
	}
	return ctx
}

// spliceableConn is the connection that a request came by, or nil.
func spliceableConn(ctx context.Context) *strictConn {
	c, _ := ctx.Value(connKey{}).(*strictConn)
	return c
}
