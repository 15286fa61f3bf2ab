package s3backend

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A streamed body goes from the client's socket to the store's in blocks. What
// a block costs, a read, a write and a wake-up at either end, hardly depends on
// its size, and net/http's own have 32 KiB. A slow client never fills a large
// block, so large ones are for who can use them, and bounded for all requests
// together; and it waits with the least of all in hand.
const (
	leastBlock  = 4 << 10
	smallBlock  = 32 << 10
	largeBlock  = 512 << 10
	largeBlocks = 8 // at once; 4 MiB
)

// slowRead is how long a client may let wait for its next bytes before it is
// taken for a slow one.
const slowRead = 50 * time.Millisecond

// blocks lends the buffers that bodies are sent from. Nobody waits: without a
// large one, a small one does.
type blocks struct {
	large  chan struct{} // one entry a large block lent out
	larges sync.Pool
	smalls sync.Pool
	leasts sync.Pool
}

func newBlocks(large int) *blocks {
	return &blocks{
		large:  make(chan struct{}, large),
		larges: sync.Pool{New: func() any { return new([largeBlock]byte) }},
		smalls: sync.Pool{New: func() any { return new([smallBlock]byte) }},
		leasts: sync.Pool{New: func() any { return new([leastBlock]byte) }},
	}
}

// least lends one of the least blocks.
func (b *blocks) least() []byte { return b.leasts.Get().(*[leastBlock]byte)[:] }

// small lends a small block.
func (b *blocks) small() []byte { return b.smalls.Get().(*[smallBlock]byte)[:] }

// larger exchanges a block for one of the next size, if one is to be had.
func (b *blocks) larger(block []byte) []byte {
	if len(block) == leastBlock {
		b.giveBack(block)
		return b.small()
	}
	select {
	case b.large <- struct{}{}:
		b.giveBack(block)
		return b.larges.Get().(*[largeBlock]byte)[:]
	default:
		return block
	}
}

func (b *blocks) giveBack(block []byte) {
	switch len(block) {
	case largeBlock:
		b.larges.Put((*[largeBlock]byte)(block))
		<-b.large
	case smallBlock:
		b.smalls.Put((*[smallBlock]byte)(block))
	case leastBlock:
		b.leasts.Put((*[leastBlock]byte)(block))
	}
}

// blockConn is a connection to the store that sends what it is given to read in
// blocks or, past this process's memory, through a pipe (hose.go). net/http
// hands every body of known length to ReadFrom.
type blockConn struct {
	net.Conn
	raw    syscall.RawConn // of TCP; or nil
	blocks *blocks
	hoses  *hoses

	written atomic.Int64 // bytes, by Writes that have returned
}

// Write implements net.Conn.
func (c *blockConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// progress grows with every byte that the store takes. A Write of a large block
// returns when the last of it has gone, which may take a slow store longer than
// one may stand still; and the kernel wakes a writer only when much has gone. So
// the kernel is asked what the store has acknowledged.
func (c *blockConn) progress() int64 { return c.written.Load() + acknowledged(c.raw) }

// ReadFrom implements io.ReaderFrom.
func (c *blockConn) ReadFrom(r io.Reader) (int64, error) {
	block := c.blocks.least()
	defer func() { c.blocks.giveBack(block) }()
	var pace pace
	for sent := int64(0); ; {
		held := len(block)
		pace.begin()
		n, ended := r.Read(block)
		pace.end(n)
		if n > 0 {
			written, err := c.Write(block[:n])
			sent += int64(written)
			if err != nil {
				return sent, err
			}
		}
		switch {
		case ended == io.EOF:
			return sent, nil
		case ended != nil:
			return sent, ended
		case n == len(block) && n > leastBlock && !pace.slow:
			spliced, err := c.splice(r, &pace)
			sent += spliced
			if err != nil {
				return sent, err
			}
			if spliced == 0 && n == smallBlock {
				block = c.blocks.larger(block)
			}
		case n == len(block) && n == leastBlock:
			block = c.blocks.larger(block)
		case n < smallBlock && len(block) == largeBlock:
			c.blocks.giveBack(block)
			block = c.blocks.small()
		}
		if pace.slow && held > leastBlock { // the next read may wait
			c.blocks.giveBack(block)
			block = c.blocks.least()
		}
	}
}

// pace is how a client's bytes come.
type pace struct {
	slow  bool  // they are waited for
	since int64 // how many have come since, without a wait
	begun time.Time
}

// quick is how many bytes at once, without a wait, a slow client never sends.
const quick = 256 << 10

// begin is called before a read, end after it with what it brought.
func (p *pace) begin() { p.begun = time.Now() }

func (p *pace) end(n int) {
	if time.Since(p.begun) > slowRead {
		p.slow, p.since = true, 0
	}
	p.since += int64(n)
	p.slow = p.slow && p.since < quick
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// inBlocks makes dial's connections send in blocks, and through pipes.
func inBlocks(dial dialer) dialer {
	blocks, hoses := newBlocks(largeBlocks), newHoses(mostHoses)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &blockConn{Conn: conn, blocks: blocks, hoses: hoses}
		if tcp, ok := conn.(*net.TCPConn); ok {
			if c.raw, err = tcp.SyscallConn(); err != nil {
				_ = conn.Close()
				return nil, err
			}
		}
		return c, nil
	}
}
