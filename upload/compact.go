package upload

import (
	"context"
	"fmt"
)

// A tail of many tiny chunks would make the session's record, which every
// chunk reads, grow with each. So when the tail ends in manySmall fragments
// under smallFragment bytes, some of them are stored again as one. Chunks of
// 4 MiB and more are never stored again this way.
const (
	manySmall     = 64
	tooManySmall  = manySmall + 8 // which are not exceeded
	smallFragment = 4 << 20
)

// mergeFrom is the index of the first of the fragments at the tail's end that
// are to become one; it is the tail's length when there are none.
//
// The newest are merged with the one before them as long as that is no larger
// than they are together: so a byte's fragment at least doubles whenever the
// byte is stored again, and it is stored again a few times at most, however
// small the chunks are. Where each fragment is larger than what follows, as the
// chunks of a client that sends ever smaller ones, that merges none. Then the
// oldest fragment is looked for that is no larger than all that follow: what
// stays before it is some twenty, since each of those is larger than all that
// follow it.
func mergeFrom(tail []Fragment) int {
	small := len(tail)
	for small > 0 && tail[small-1].Size < smallFragment {
		small--
	}
	if len(tail)-small < manySmall {
		return len(tail)
	}
	newest := len(tail) - 1
	near, far := newest, newest
	newer := tail[newest].Size
	for i := newest - 1; i >= small; i-- {
		if tail[i].Size <= newer {
			if far = i; near == i+1 {
				near = i
			}
		}
		newer += tail[i].Size
	}
	switch {
	case near-small+1 < tooManySmall && near < newest:
		return near
	case len(tail)-small < tooManySmall:
		return len(tail)
	}
	return far
}

// compact merges small fragments at the tail's end if they are many.
func (a *attempt) compact(ctx context.Context) error {
	from := mergeFrom(a.tail)
	if from == len(a.tail) {
		return nil
	}
	merged := a.tail[from:]
	a.shed = append(a.shed, merged...)
	a.tail = append([]Fragment(nil), a.tail[:from]...)
	return a.keepAgain(ctx, spans(merged, 0))
}

// keepAgain puts stored bytes at the end of the tail once more.
func (a *attempt) keepAgain(ctx context.Context, all []span) error {
	stored := &tailFeed{ctx: ctx, e: a.e, s: a.s, all: all}
	defer stored.close()
	rest := spansSize(all)
	if a.beyondSessions(rest) {
		return a.keepObject(ctx, stored, rest)
	}
	b := &buffer{slabs: a.e.slabs.of(a.s.Owner)}
	defer b.free()
	// Reading takes slabs, too, and whoever holds one must not wait for another:
	// so the one to read into is waited for first, and kept to the end.
	if err := b.slabs.reserve(ctx); err != nil {
		return err
	}
	b.lend()
	for rest > 0 {
		b.empty()
		if _, err := b.fill(ctx, stored, rest); err != nil {
			return err
		}
		if b.size == 0 {
			return fmt.Errorf("tail ends %d bytes early: %w", rest, errTailGone)
		}
		rest -= b.size
		if err := a.keepPieces(ctx, b); err != nil {
			return err
		}
	}
	return nil
}
