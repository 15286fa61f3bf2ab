package upload

import (
	"context"
	"fmt"
	"strconv"
)

// keep puts length bytes of f at the end of the tail: into the session store
// while the tail is short and the store has room, else into an object of their
// own.
func (a *attempt) keep(ctx context.Context, f feed, length int64) error {
	if length == 0 {
		return nil
	}
	if a.beyondSessions(length) {
		return a.keepObject(ctx, f, length)
	}
	if b, ok := f.(*buffer); ok {
		return a.keepPieces(ctx, b)
	}
	for rest := length; rest > 0; {
		n, err := a.keepSome(ctx, f, rest)
		if err != nil {
			return err
		}
		rest -= n
	}
	return nil
}

// beyondSessions says whether length more bytes of the tail are too many for the
// session store.
func (a *attempt) beyondSessions(length int64) bool {
	return a.e.spilling.Load() || tailSize(a.tail)+length > a.e.cfg.TailInSessions
}

// keepSome moves as much of f as there is buffer for, at most length bytes.
func (a *attempt) keepSome(ctx context.Context, f feed, length int64) (int64, error) {
	b := &buffer{slabs: a.e.slabs.of(a.s.Owner)}
	defer b.free()
	if _, err := b.fill(ctx, f, length); err != nil {
		return 0, err
	}
	if b.size == 0 {
		return 0, fmt.Errorf("keep %d bytes: %w", length, ErrShortBody)
	}
	return b.size, a.keepPieces(ctx, b)
}

// keepPieces stores the buffer's unread bytes as pieces, in one round trip.
func (a *attempt) keepPieces(ctx context.Context, b *buffer) error {
	pieces := b.pieces()
	err := a.e.retry(ctx, InSessions, always, func() error {
		return a.e.cfg.Sessions.PutPieces(ctx, a.s.ID, a.id, a.pieces, pieces, a.s.Expires)
	})
	if err != nil {
		return fmt.Errorf("keep tail: %w", err)
	}
	var kept int64
	for _, piece := range pieces {
		a.listPiece(int64(len(piece)))
		kept += int64(len(piece))
	}
	a.e.cfg.Observer.Kept(InSessions, kept)
	return nil
}

// listPiece lists the next piece: as part of the last fragment, if that is of
// this attempt and its pieces are full, else as a fragment of its own.
func (a *attempt) listPiece(size int64) {
	if n := len(a.tail); n > 0 {
		last := &a.tail[n-1]
		if last.Place == InSessions && last.Name == a.id && last.Size%last.Piece == 0 && last.First+last.Pieces() == a.pieces {
			last.Size += size
			a.pieces++
			return
		}
	}
	a.tail = append(a.tail, Fragment{Place: InSessions, Name: a.id, Size: size, Piece: slabSize, First: a.pieces})
	a.pieces++
}

// keepObject streams length bytes of f into an object under the staging prefix.
func (a *attempt) keepObject(ctx context.Context, f feed, length int64) error {
	key := a.e.stagingFolder(a.s.ID) + "tail/" + a.id + "-" + strconv.Itoa(a.objects)
	a.objects++
	mark := f.mark()
	err := a.e.retry(ctx, InObjects, func() bool { return f.rewind(mark) }, func() error {
		_, err := a.e.cfg.Objects.Put(ctx, key, length, f, Attributes{Staged: true}, Condition{})
		return err
	})
	if err != nil {
		return fmt.Errorf("keep tail: %w", err)
	}
	a.e.cfg.Observer.Kept(InObjects, length)
	a.tail = append(a.tail, Fragment{Place: InObjects, Name: key, Size: length})
	return nil
}
