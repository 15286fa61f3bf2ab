package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// tailReader reads fragments in order, from wherever they are. It holds the
// bytes of one batch of pieces at a time, as many as the budget allows and at
// least one.
type tailReader struct {
	ctx  context.Context
	e    *Engine
	id   string
	todo []Fragment
	next int // piece of todo[0] to fetch next

	batch    [][]byte      // pieces fetched and not read yet
	reserved int           // slabs reserved for the batch
	object   io.ReadCloser // fragment being read from the object store
	left     int64         // bytes of it
}

func (e *Engine) readTail(ctx context.Context, id string, tail []Fragment) *tailReader {
	return &tailReader{ctx: ctx, e: e, id: id, todo: tail}
}

// errTailGone: a fragment that the record lists is not there. Another attempt
// has won in the meantime, or the upload is damaged.
var errTailGone = errors.New("tail is gone")

// Read reads on, or says errTailGone.
func (t *tailReader) Read(p []byte) (int, error) {
	for {
		switch {
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

func (t *tailReader) readBatch(p []byte) int {
	n := copy(p, t.batch[0])
	if t.batch[0] = t.batch[0][n:]; len(t.batch[0]) == 0 {
		t.batch = t.batch[1:]
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
	if f.Place == InObjects {
		object, err := t.e.cfg.Objects.Get(t.ctx, f.Name)
		if err != nil {
			return gone(err)
		}
		t.object, t.left, t.todo = object, f.Size, t.todo[1:]
		return nil
	}
	return t.fetchPieces(f)
}

// fetchPieces gets as many pieces in one round trip as there is budget for.
// One piece a request is beyond the budget: who holds slabs must not wait.
func (t *tailReader) fetchPieces(f Fragment) error {
	want := f.Pieces() - t.next
	t.reserved = t.e.slabs.tryReserve(want)
	batch, err := t.e.cfg.Sessions.GetPieces(t.ctx, t.id, f.Name, f.First+t.next, max(1, t.reserved))
	if err != nil {
		return gone(err)
	}
	for i, piece := range batch {
		begin := int64(t.next+i) * f.Piece
		if int64(len(piece)) != min(f.Piece, f.Size-begin) {
			return fmt.Errorf("piece %d of the tail has %d bytes: %w", t.next+i, len(piece), errTailGone)
		}
	}
	t.batch = batch
	if t.next += len(batch); t.next == f.Pieces() {
		t.todo, t.next = t.todo[1:], 0
	}
	return nil
}

// gone tells a fragment that is not there from a store that does not answer.
func gone(err error) error {
	if errors.Is(err, ErrNotExist) {
		return fmt.Errorf("%w: %w", errTailGone, err)
	}
	return fmt.Errorf("read tail: %w", err)
}

func (t *tailReader) settle() {
	t.e.slabs.release(t.reserved)
	t.batch, t.reserved = nil, 0
}

// Close frees what is held; reading may have stopped anywhere.
func (t *tailReader) Close() {
	t.settle()
	if t.object != nil {
		_ = t.object.Close() // read as far as was needed
		t.object = nil
	}
}
