package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Append takes one chunk whole or not at all and answers the new offset.
// ctx should outlive the client's connection: a chunk that was received whole
// counts even if the client has gone by then.
// Errors: all of the package; ErrConflict only for a promised destination.
func (e *Engine) Append(ctx context.Context, c Chunk) (Status, error) {
	status, err := e.append(ctx, c)
	if err != nil {
		e.observeConflict(err)
	}
	return status, err
}

func (e *Engine) append(ctx context.Context, c Chunk) (Status, error) {
	if c.Length > e.cfg.Limits.MaxChunk {
		return Status{}, ErrTooLarge
	}
	defer e.interrupting(ctx, c.Interrupt)()
	s, numbers, err := e.begin(ctx, c)
	if err != nil {
		return Status{}, err
	}
	src := newSource(c, e.cfg.Limits.MaxChunk)
	a := e.attempt(s, numbers)
	a.most = within(c.MaxObject, a.most)
	status, err := a.run(ctx, src)
	switch {
	case err != nil && c.ID == "":
		e.discardUnknown(ctx, s)
	case err != nil:
		e.noteFailure(ctx, s.ID, fmt.Sprintf("chunk at %d", s.Offset), err)
	}
	return status, err
}

// begin opens the upload, or an attempt on one that is there.
func (e *Engine) begin(ctx context.Context, c Chunk) (Session, Numbers, error) {
	wanted := e.cfg.Limits.wanted(c.Length)
	if c.ID == "" {
		return e.open(ctx, c, wanted)
	}
	s, n, err := e.cfg.Sessions.Begin(ctx, Begin{
		ID: c.ID, Owner: c.Owner, Offset: c.Offset, Wanted: wanted,
	})
	if err == nil && n.Doubtful {
		n, err = e.renew(ctx, s, n, wanted)
	}
	return s, n, e.proven(ctx, Session{ID: c.ID, Offset: c.Offset}, err)
}

// inFlight is how many numbers above the highest part in the store may be on
// their way there from requests that the session store has forgotten.
const inFlight = 64

// renew draws part numbers after the session store may have forgotten some.
func (e *Engine) renew(ctx context.Context, s Session, n Numbers, wanted int) (Numbers, error) {
	highest := n.First - 1
	err := e.retry(ctx, InObjects, always, func() error {
		found, err := e.cfg.Objects.HighestPart(ctx, s.multipart(), n.First-1)
		highest = max(highest, found)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotExist) { // a part finds out that the upload is gone
		return Numbers{}, fmt.Errorf("look for parts: %w", err)
	}
	return e.cfg.Sessions.Renew(ctx, s.ID, n.Epoch, highest+inFlight, wanted)
}

// open stores a new session. A first chunk that does not begin at 0 leaves it
// empty and tells the client where it stands (PROTOCOL 3.9).
func (e *Engine) open(ctx context.Context, c Chunk, wanted int) (Session, Numbers, error) {
	if c.Destination != "" {
		if err := e.checkPlace(ctx, c.Root, c.Destination); err != nil {
			return Session{}, Numbers{}, err
		}
	}
	s := Session{
		ID: e.cfg.NewID(), Owner: c.Owner, State: Open,
		Key: c.Destination, Promised: c.Destination != "", Type: c.ContentType,
	}
	if !s.Promised {
		s.Key = e.stagingKey(s.ID)
	}
	if err := e.claim(ctx, s, c.MaxUploads); err != nil {
		return Session{}, Numbers{}, err
	}
	stored, numbers, err := e.cfg.Sessions.Open(ctx, s, e.cfg.TTL, wanted)
	if err != nil {
		e.release(ctx, s)
		return Session{}, Numbers{}, fmt.Errorf("open upload: %w", err)
	}
	e.cfg.Observer.Opened()
	if c.Offset > 0 {
		return Session{}, Numbers{}, &OffsetError{ID: s.ID, Expires: stored.Expires, Got: c.Offset, Want: 0}
	}
	return stored, numbers, nil
}

// run stores the chunk and makes it count. What it stored for nothing is
// removed, unless it may count after all.
func (a *attempt) run(ctx context.Context, src *source) (Status, error) {
	if err := a.take(ctx, src); err != nil {
		a.undo(ctx)
		return Status{}, a.explain(ctx, src, err)
	}
	if a.taken == 0 {
		return Status{ID: a.s.ID, Expires: a.s.Expires, Offset: a.s.Offset}, nil
	}
	to := a.s.Offset + a.taken
	err := a.advance(ctx, to)
	for n := 0; errors.Is(err, ErrMoved) && n < tries; n++ {
		if err = a.rebase(ctx); err != nil { // nothing of it counts
			a.undo(ctx)
			return Status{}, a.explain(ctx, src, err)
		}
		err = a.advance(ctx, to)
	}
	switch {
	case err == nil:
		a.e.cfg.Observer.Stored(a.taken)
		a.e.deleteFragments(ctx, a.shed)
		return Status{ID: a.s.ID, Expires: a.s.Expires, Offset: to}, nil
	case errors.Is(err, ErrUnavailable): // it may have been done: touch nothing
		return Status{}, fmt.Errorf("advance to %d: %w", to, err)
	}
	a.undo(ctx)
	return Status{}, a.explain(ctx, src, err)
}

func (a *attempt) advance(ctx context.Context, to int64) error {
	return a.e.retry(ctx, InSessions, always, func() error {
		return a.e.cfg.Sessions.Advance(ctx, Advance{
			ID: a.s.ID, Attempt: a.id, Epoch: a.epoch, From: a.s.Offset, To: to, Moves: a.s.Moves,
			UploadID: a.s.UploadID, Parts: a.parts, Tail: a.tail, Drop: a.shed, Unused: a.numbers,
		})
	})
}

// explain finds the error to answer when storing ended with err.
func (a *attempt) explain(ctx context.Context, src *source, err error) error {
	if clients := src.failure(); clients != nil {
		return clients
	}
	if ctx.Err() != nil { // the server stops hard
		return fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	if !seemsDamaged(err) || errors.Is(err, ErrDamaged) {
		return a.e.proven(ctx, a.s, err)
	}
	// Something that the record lists is gone. If another attempt won or the
	// upload ended, the record says so by now.
	_, _, now := a.e.cfg.Sessions.Begin(ctx, Begin{
		ID: a.s.ID, Owner: a.s.Owner, Offset: a.s.Offset,
	})
	if now != nil {
		return a.e.proven(ctx, a.s, now)
	}
	return a.e.lost(ctx, a.s, err)
}

// undoTime bounds removing what is not needed any more. The sweeper removes
// what could not be removed in it.
const undoTime = 10 * time.Second

// afterwards is a context for removing what is not needed any more, whether the
// request lives on or not.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), undoTime)
}

// undo removes the fragments that this attempt stored. Its parts are never
// listed, so S3 drops them at Complete.
func (a *attempt) undo(ctx context.Context) {
	var own []Fragment
	for _, f := range slices.Concat(a.tail, a.shed) {
		if !slices.Contains(a.s.Tail, f) {
			own = append(own, f)
		}
	}
	if len(own) == 0 {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := a.e.cfg.Sessions.DropPieces(ctx, a.s.ID, own); err != nil {
		a.e.note("drop pieces", a.s.ID, err)
	}
	a.e.deleteFragments(ctx, own)
}
