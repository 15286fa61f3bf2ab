package s3backend

import (
	"context"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/chunkgate/chunkgate/internal/splice"
)

// A streamed body goes from the client's socket to the store's in blocks. What
// a block costs, a read, a write and a wake-up at either end, hardly depends on
// its size, and net/http's own have 32 KiB. A slow client never fills a large
// block, so it is lent a small one: large ones are for who can use them, and
// bounded for all requests together.
const (
	smallBlock  = 32 << 10
	largeBlock  = 512 << 10
	largeBlocks = 32 // at once; 16 MiB
)

// blocks lends the buffers that bodies are sent from. Nobody waits: without a
// large one, a small one does.
type blocks struct {
	large  chan struct{} // one entry a large block lent out
	larges sync.Pool
	smalls sync.Pool
}

func newBlocks(large int) *blocks {
	return &blocks{
		large:  make(chan struct{}, large),
		larges: sync.Pool{New: func() any { return new([largeBlock]byte) }},
		smalls: sync.Pool{New: func() any { return new([smallBlock]byte) }},
	}
}

// small lends a small block.
func (b *blocks) small() []byte { return b.smalls.Get().(*[smallBlock]byte)[:] }

// other exchanges a block for one of the other size; a small one stays when no
// large one is to be had.
func (b *blocks) other(block []byte) []byte {
	if len(block) == largeBlock {
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
	if len(block) == largeBlock {
		b.larges.Put((*[largeBlock]byte)(block))
		<-b.large
		return
	}
	b.smalls.Put((*[smallBlock]byte)(block))
}

// blockConn is a connection to the store that sends what it is given to read in
// blocks or, past this process's memory, through a pipe (hose.go). net/http
// hands every body of known length to ReadFrom.
type blockConn struct {
	net.Conn
	raw    syscall.RawConn // what can be spliced to; or nil
	blocks *blocks
	hoses  *hoses
}

// ReadFrom implements io.ReaderFrom.
func (c *blockConn) ReadFrom(r io.Reader) (int64, error) {
	block := c.blocks.small()
	defer func() { c.blocks.giveBack(block) }()
	for sent := int64(0); ; {
		n, ended := r.Read(block)
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
		case n == len(block):
			spliced, err := c.splice(r)
			sent += spliced
			if err != nil {
				return sent, err
			}
			if spliced == 0 && n == smallBlock {
				block = c.blocks.other(block)
			}
		case n < smallBlock && len(block) == largeBlock:
			block = c.blocks.other(block)
		}
	}
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
		if tcp, ok := conn.(*net.TCPConn); ok && splice.Supported() {
			if c.raw, err = tcp.SyscallConn(); err != nil {
				_ = conn.Close()
				return nil, err
			}
		}
		return c, nil
	}
}
