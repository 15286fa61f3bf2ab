package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// tailReader reads fragments in order, from wherever they are. It holds the
// bytes of one batch of pieces at a time, as many as the budget allows and at
// least one. Close it on the way out.
type tailReader struct {
	ctx   context.Context
	e     *Engine
	s     Session // that the spans are of
	slabs allowance
	todo  []span
	at    int64 // bytes; where in todo[0] to go on

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
	return e.readSpans(ctx, s, spans(tail, 0))
}

func (e *Engine) readSpans(ctx context.Context, s Session, all []span) *tailReader {
	t := &tailReader{ctx: ctx, e: e, s: s, slabs: e.slabs.of(s.Owner)}
	t.read(all)
	return t
}

// read sets what is to be read next.
func (t *tailReader) read(all []span) {
	if t.todo = all; len(all) > 0 {
		t.at = all[0].from
	}
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
		go func() { t.ahead <- t.e.guard("read tail", t.s.ID, t.fetch) }()
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

// fetch begins the next fragment, or goes on with the one in hand. When that is
// not where it was, the record may say where it is now.
func (t *tailReader) fetch() error {
	err := t.fetchOnce()
	if errors.Is(err, errTailGone) {
		if err = t.renew(err); err == nil {
			return t.fetchOnce()
		}
	}
	return err
}

func (t *tailReader) fetchOnce() error {
	f := t.todo[0]
	if f.Place != InObjects {
		return t.fetchPieces()
	}
	object, err := t.e.cfg.Objects.Get(t.ctx, f.Name, f.Size)
	if err != nil {
		return gone(err)
	}
	if _, err := io.CopyN(io.Discard, object, t.at); err != nil {
		_ = object.Close() // nothing of it was used
		return fmt.Errorf("read tail: %w: %w", ErrUnavailable, err)
	}
	t.object, t.left = object, f.to-t.at
	t.read(t.todo[1:])
	return nil
}

// fetchPieces gets as many pieces as there is budget for in one round trip, of
// however many fragments. One piece a request is beyond the budget: who holds
// slabs must not wait.
func (t *tailReader) fetchPieces() error {
	todo, at := t.todo, t.at
	var batch []Piece
	last := int64(0) // bytes of the last piece that are not wanted
	for len(t.todo) > 0 && t.todo[0].Place == InSessions && last == 0 {
		f := t.todo[0]
		switch {
		case f.Piece <= 0:
			return fmt.Errorf("fragment %q has no pieces: %w", f.Name, errTailGone)
		case len(batch) > 0 && t.at%f.Piece > 0: // it must be the first of a batch
			return t.get(batch, todo, at, last)
		}
		for t.at < f.to {
			leave := t.slabs.tryReserveOf(1, tailShare)
			if leave == 0 && len(batch) > 0 {
				return t.get(batch, todo, at, last)
			}
			t.reserved += leave
			n := t.at / f.Piece
			size := min(f.Piece, f.Size-n*f.Piece)
			batch = append(batch, Piece{Name: f.Name, Number: f.First + int(n), Into: t.room(size)})
			t.at = n*f.Piece + size
			last = max(0, t.at-f.to)
		}
		t.read(t.todo[1:])
	}
	return t.get(batch, todo, at, last)
}

// get reads the pieces of what is to be read from at on. What lies before that in
// the first piece, and the last bytes of the last one, are passed over.
func (t *tailReader) get(batch []Piece, todo []span, at, last int64) error {
	if err := t.e.cfg.Sessions.GetPieces(t.ctx, t.s.ID, batch); err != nil {
		t.settle()
		t.todo, t.at = todo, at
		return gone(err)
	}
	if len(batch) > 0 {
		end := &batch[len(batch)-1]
		end.Into = end.Into[:int64(len(end.Into))-last]
		batch[0].Into = batch[0].Into[at%todo[0].Piece:]
	}
	t.batch = batch
	return nil
}

// renew finds out where the bytes are that are not where they were: they may have
// been moved, which changes neither them nor the offset.
func (t *tailReader) renew(missing error) error {
	s, _, err := t.e.cfg.Sessions.Begin(t.ctx, Begin{
		ID: t.s.ID, Owner: t.s.Owner, Offset: t.s.Offset,
	})
	switch {
	case errors.Is(err, ErrUnavailable):
		return fmt.Errorf("look for moved tail: %w", err)
	case err != nil || slices.Equal(s.Tail, t.s.Tail):
		return missing
	}
	rest := slices.Clone(t.todo)
	rest[0].from = t.at
	t.read(translate(rest, t.s.Tail, s.Tail))
	t.s = s
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
