package upload

import (
	"context"
	"io"
	"time"
)

// slabSize is the unit of buffering and the size of a piece of the tail in the
// session store, in bytes. 1,000 slow clients hold one each: 64 MiB.
const slabSize = 64 << 10

// slow is how long a client may take for a slab of bytes before it gets no
// further one: it would hold it for nothing.
const slow = 100 * time.Millisecond

// buffer is a run of bytes in slabs, a feed that can go back.
type buffer struct {
	slabs allowance
	full  []*[slabSize]byte
	size  int64   // bytes
	pos   int64   // bytes; of the next Read
	begin [1]byte // the first, before there is a slab for it
}

// fill reads from r until it ends, most bytes are there, the budget is short or
// r slow; at least one slab is filled unless r ends. It says whether r ended.
func (b *buffer) fill(ctx context.Context, r io.Reader, most int64) (ended bool, err error) {
	begun := time.Now()
	if len(b.full) == 0 && most > 0 {
		if ended, err = b.await(ctx, r); ended || err != nil {
			return ended, err
		}
	}
	for b.size < most {
		used := b.size % slabSize // of the last slab
		if b.size == int64(len(b.full))*slabSize {
			if b.slabs.tryReserve(1) == 0 { // no more to be had now
				return false, nil
			}
			b.lend()
		}
		n, err := io.ReadFull(r, b.full[b.size/slabSize][used:min(slabSize, used+most-b.size)])
		b.size += int64(n)
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return true, nil
		default:
			return false, err
		}
		now := time.Now()
		if now.Sub(begun) > slow {
			return false, nil
		}
		begun = now
	}
	return false, nil
}

// await waits for r's next byte, and takes the first slab only then: who has
// nothing to put into it holds none. When the budget is short, it is waited for
// first, and the client not asked for a byte before.
func (b *buffer) await(ctx context.Context, r io.Reader) (ended bool, err error) {
	if b.slabs.short() {
		if err := b.slabs.reserve(ctx); err != nil {
			return false, err
		}
		b.lend()
		return false, nil
	}
	switch _, err := io.ReadFull(r, b.begin[:]); err {
	case nil:
	case io.EOF:
		return true, nil
	default:
		return false, err
	}
	if err := b.slabs.reserve(ctx); err != nil {
		return false, err
	}
	b.lend()
	b.full[0][0] = b.begin[0]
	b.size = 1
	return false, nil
}

// fillNow reads most bytes from r and says that they are all there; it waits for
// r, but never for the budget, and stops when that is short or ctx ends.
func (b *buffer) fillNow(ctx context.Context, r io.Reader, most int64) (bool, error) {
	for b.size < most && ctx.Err() == nil && b.slabs.tryReserve(1) == 1 {
		b.lend()
		n, err := io.ReadFull(r, b.full[len(b.full)-1][:min(slabSize, most-b.size)])
		b.size += int64(n)
		if err != nil {
			return false, err
		}
	}
	return b.size == most, nil
}

// lend adds a slab, for which there is leave.
func (b *buffer) lend() {
	b.full = append(b.full, b.slabs.pool().Get().(*[slabSize]byte))
}

// pieces are the unread bytes, a slice a slab; the first may begin in
// mid-slab.
func (b *buffer) pieces() [][]byte {
	var out [][]byte
	for at := b.pos; at < b.size; {
		from := at % slabSize
		n := min(slabSize-from, b.size-at)
		out = append(out, b.full[at/slabSize][from:from+n])
		at += n
	}
	return out
}

// empty forgets the bytes and keeps the slabs.
func (b *buffer) empty() { b.size, b.pos = 0, 0 }

// free empties the buffer and gives the slabs back.
func (b *buffer) free() {
	for _, s := range b.full {
		b.slabs.pool().Put(s)
	}
	b.slabs.release(len(b.full))
	b.full, b.size, b.pos = nil, 0, 0
}

// Read reads from the position on.
func (b *buffer) Read(p []byte) (int, error) {
	if b.pos == b.size {
		return 0, io.EOF
	}
	from := b.pos % slabSize
	n := copy(p, b.full[b.pos/slabSize][from:min(slabSize, from+b.size-b.pos)])
	b.pos += int64(n)
	return n, nil
}

func (b *buffer) mark() int64 { return b.pos }

func (b *buffer) rewind(mark int64) bool {
	b.pos = mark
	return true
}
