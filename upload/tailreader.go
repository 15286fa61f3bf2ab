package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// tailReader reads fragments in order, from wherever they are. It holds the
// bytes of one batch of pieces at a time, as many as the budget allows and at
// least one. Close it on the way out.
type tailReader struct {
	ctx   context.Context
	e     *Engine
	id    string
	slabs allowance
	todo  []Fragment
	next  int   // piece of todo[0] to fetch next
	past  int64 // bytes to pass over at the beginning of what is fetched next

	ahead chan error // of the fetch under way, if there is one

	batch    []Piece           // fetched and not read yet; Into is what is left of each
	lent     []*[slabSize]byte // what the batch is in
	reserved int               // slabs reserved for it
	object   io.ReadCloser     // fragment being read from the object store
	left     int64             // bytes of it
}

// tailShare is the percentage of the budget that one owner's tails may take while
// they are read, beyond a slab each: two of 4 MiB in one round trip each.
const tailShare = 12

func (e *Engine) readTail(ctx context.Context, s Session, tail []Fragment) *tailReader {
	return &tailReader{ctx: ctx, e: e, id: s.ID, slabs: e.slabs.of(s.Owner), todo: tail}
}

// skip passes over the first n bytes, before anything is read.
func (t *tailReader) skip(n int64) *tailReader {
	for len(t.todo) > 0 && n >= t.todo[0].Size {
		n -= t.todo[0].Size
		t.todo = t.todo[1:]
	}
	if len(t.todo) > 0 && t.todo[0].Place == InSessions && t.todo[0].Piece > 0 {
		t.next = int(n / t.todo[0].Piece)
		n %= t.todo[0].Piece
	}
	t.past = n
	return t
}

// errTailGone: a fragment that the record lists is not there. Another attempt
// has won in the meantime, or the upload is damaged.
var errTailGone = errors.New("tail is gone")

// prefetch begins to read before anybody asks: what the object store takes to
// say that it wants the bytes, the session store needs to find them. When the
// budget is short, that would only be more bytes to hold meanwhile.
func (t *tailReader) prefetch() *tailReader {
	if len(t.todo) > 0 && t.todo[0].Place == InSessions && t.slabs.tryReserveOf(1, tailShare) == 1 {
		t.slabs.release(1)
		t.ahead = make(chan error, 1)
		go func() { t.ahead <- t.e.guard("read tail", t.id, t.fetch) }()
	}
	return t
}

// arrive waits for what was fetched ahead.
func (t *tailReader) arrive() error {
	err := <-t.ahead
	t.ahead = nil
	return err
}

// Read reads on, or says errTailGone.
func (t *tailReader) Read(p []byte) (int, error) {
	for {
		switch {
		case t.ahead != nil:
			if err := t.arrive(); err != nil {
				return 0, err
			}
		case len(t.batch) > 0:
			return t.readBatch(p), nil
		case t.object != nil:
			n, err := t.readObject(p)
			if n > 0 || err != nil {
				return n, err
			}
		case len(t.todo) == 0:
			return 0, io.EOF
		default:
			if err := t.fetch(); err != nil {
				return 0, err
			}
		}
	}
}

// readBatch fills p from as many pieces as it takes.
func (t *tailReader) readBatch(p []byte) int {
	n := 0
	for n < len(p) && len(t.batch) > 0 {
		piece := &t.batch[0]
		m := copy(p[n:], piece.Into)
		n += m
		if piece.Into = piece.Into[m:]; len(piece.Into) == 0 {
			t.batch = t.batch[1:]
		}
	}
	if len(t.batch) == 0 {
		t.settle()
	}
	return n
}

func (t *tailReader) readObject(p []byte) (int, error) {
	n, err := t.object.Read(p[:min(int64(len(p)), t.left)])
	t.left -= int64(n)
	switch {
	case t.left == 0:
		err = t.object.Close()
		t.object = nil
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("tail object ends %d bytes early: %w", t.left, ErrUnavailable)
	}
	return n, err
}

// fetch begins the next fragment, or goes on with the one in hand.
func (t *tailReader) fetch() error {
	f := t.todo[0]
	if f.Place != InObjects {
		return t.fetchPieces()
	}
	object, err := t.e.cfg.Objects.Get(t.ctx, f.Name, f.Size)
	if err != nil {
		return gone(err)
	}
	t.object, t.left, t.todo = object, f.Size-t.past, t.todo[1:]
	if t.past > 0 {
		if _, err := io.CopyN(io.Discard, object, t.past); err != nil {
			return fmt.Errorf("read tail: %w: %w", ErrUnavailable, err)
		}
		t.past = 0
	}
	return nil
}

// fetchPieces gets as many pieces as there is budget for in one round trip, of
// however many fragments. One piece a request is beyond the budget: who holds
// slabs must not wait.
func (t *tailReader) fetchPieces() error {
	var batch []Piece
	for len(t.todo) > 0 && t.todo[0].Place == InSessions {
		f := t.todo[0]
		for ; t.next < f.Pieces(); t.next++ {
			leave := t.slabs.tryReserveOf(1, tailShare)
			if leave == 0 && len(batch) > 0 {
				return t.get(batch)
			}
			t.reserved += leave
			size := min(f.Piece, f.Size-int64(t.next)*f.Piece)
			batch = append(batch, Piece{Name: f.Name, Number: f.First + t.next, Into: t.room(size)})
		}
		t.todo, t.next = t.todo[1:], 0
	}
	return t.get(batch)
}

func (t *tailReader) get(batch []Piece) error {
	if err := t.e.cfg.Sessions.GetPieces(t.ctx, t.id, batch); err != nil {
		return gone(err)
	}
	if t.past > 0 {
		batch[0].Into = batch[0].Into[t.past:]
		t.past = 0
	}
	t.batch = batch
	return nil
}

// room is a buffer for a piece.
func (t *tailReader) room(size int64) []byte {
	if size > slabSize { // stored by a version that had larger ones
		return make([]byte, size)
	}
	slab := t.slabs.pool().Get().(*[slabSize]byte)
	t.lent = append(t.lent, slab)
	return slab[:size]
}

// gone tells a fragment that is not there from a store that does not answer.
func gone(err error) error {
	if errors.Is(err, ErrNotExist) {
		return fmt.Errorf("%w: %w", errTailGone, err)
	}
	return fmt.Errorf("read tail: %w", err)
}

// settle gives the batch's slabs back.
func (t *tailReader) settle() {
	for _, slab := range t.lent {
		t.slabs.pool().Put(slab)
	}
	t.slabs.release(t.reserved)
	t.batch, t.lent, t.reserved = nil, nil, 0
}

// Close frees what is held; reading may have stopped anywhere.
func (t *tailReader) Close() {
	if t.ahead != nil {
		_ = t.arrive()
	}
	t.settle()
	if t.object != nil {
		_ = t.object.Close() // read as far as was needed
		t.object = nil
	}
}
