package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// PutRequest is a whole file in one request.
type PutRequest struct {
	CommitRequest // but ID

	Length    int64 // bytes, or UnknownLength; at most Limits.MaxChunk
	MaxObject int64 // as in Chunk
	Body      io.Reader
	Interrupt func() // as in Chunk
}

// Put stores a file. If nothing has to hold at the destination and the length
// is known, it is streamed there by one call. Else it is an upload of one chunk
// whose id nobody learns: conditions go on calls that do not wait for a client
// (MinIO holds the key's lock while a conditional body comes in, docs/stores.md 5), and
// another name can be tried when the first is taken.
// Errors: as Append and Commit.
func (e *Engine) Put(ctx context.Context, r PutRequest) (Object, error) {
	if r.Length > within(r.MaxObject, e.cfg.Limits.MaxChunk) {
		return Object{}, ErrTooLarge
	}
	if r.Condition == (Condition{}) && r.Length != UnknownLength {
		return e.putStreamed(ctx, r)
	}
	s, err := e.Append(ctx, Chunk{
		Owner: r.Owner, Length: r.Length, Body: r.Body, Interrupt: r.Interrupt, ContentType: r.ContentType,
		MaxObject: r.MaxObject,
	})
	if err != nil {
		return Object{}, err
	}
	r.ID = s.ID
	object, err := e.Commit(ctx, r.CommitRequest)
	if err != nil && !errors.Is(err, ErrBusy) {
		e.discardUnknown(ctx, Session{ID: s.ID, Owner: r.Owner})
	}
	return object, err
}

func (e *Engine) putStreamed(ctx context.Context, r PutRequest) (Object, error) {
	key, ok := r.Key(0)
	if !ok {
		return Object{}, &InvalidError{Reason: "no destination"}
	}
	if err := e.checkPlace(ctx, r.Root, key); err != nil {
		e.observeConflict(err)
		return Object{}, err
	}
	defer e.interrupting(ctx, r.Interrupt)()
	begun := time.Now()
	src := newSource(Chunk{Body: r.Body, Length: r.Length}, r.Length)
	var object Object
	err := e.retry(ctx, InObjects, func() bool { return src.rewind(0) }, func() (err error) {
		object, err = e.cfg.Objects.Put(ctx, key, r.Length, src, Attributes{ContentType: r.ContentType, Upload: e.cfg.NewID()}, Condition{})
		return err
	})
	switch failed := src.failure(); {
	case err != nil && failed != nil:
		return Object{}, failed
	case err != nil && ctx.Err() != nil: // the server stops hard
		return Object{}, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	case err != nil:
		return Object{}, fmt.Errorf("store file: %w", err)
	}
	object.Modified = e.cfg.Now()
	e.cfg.Observer.Stored(r.Length)
	e.cfg.Observer.Committed(Streamed, time.Since(begun))
	return object, nil
}
