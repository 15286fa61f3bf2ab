package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Discard gives up an upload and frees what it holds. Its record stays, for
// the sweeper: a chunk that is under way elsewhere may still store something.
// Errors: ErrNotFound, ErrBusy, ErrUnavailable.
func (e *Engine) Discard(ctx context.Context, owner, id string) error {
	s, err := e.cfg.Sessions.Bury(ctx, id, owner)
	if err != nil {
		return err
	}
	e.release(ctx, s)
	if err := e.clean(ctx, s); err != nil {
		return err
	}
	e.observeEnd(Discarded, s)
	return e.cfg.Sessions.DropPieces(ctx, s.ID, s.Tail)
}

// discardUnknown removes an upload whose id no client has learnt, record and
// all. Whatever fails is left for the sweeper, and so is what may be at a
// destination.
func (e *Engine) discardUnknown(ctx context.Context, s Session) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	err := e.Discard(ctx, s.Owner, s.ID)
	if err == nil && !s.Promised && s.Commit == nil {
		err = e.cfg.Sessions.Forget(ctx, s.ID)
	}
	if err != nil {
		e.note("discard", s.ID, err)
	}
}

// lost judges an upload of which the store says that something is not there. As
// long as it still lists the multipart upload, it is only confused.
func (e *Engine) lost(ctx context.Context, s Session, cause error) error {
	if !errors.Is(cause, errTailGone) {
		if s.UploadID == "" { // then there is nothing that could be gone
			return fmt.Errorf("%w: %v", ErrUnavailable, cause)
		}
		open, err := e.cfg.Objects.Multiparts(ctx, s.Key)
		if err != nil {
			return fmt.Errorf("look for multipart upload: %w", err)
		}
		if slices.Contains(open, s.UploadID) {
			return fmt.Errorf("%w: %v", ErrUnavailable, cause)
		}
		if e.reopen(ctx, s) {
			return fmt.Errorf("%w: multipart upload was gone, but empty: %v", ErrUnavailable, cause)
		}
	}
	return e.suspect(ctx, s, cause)
}

// reopen makes the next attempt open a new multipart upload, if none of the
// accepted bytes was in the one that is gone: then all are in the tail. One look
// is enough for that, since nothing is lost by it even if the store was wrong:
// no part that was sent there is listed, and none will be. So it is ended, too.
func (e *Engine) reopen(ctx context.Context, s Session) bool {
	err := e.cfg.Sessions.Detach(ctx, s.ID, s.UploadID)
	switch {
	case err == nil:
		e.abort(ctx, s.multipart())
	case !errors.Is(err, ErrNotExist):
		e.note("detach multipart upload", s.ID, err)
	}
	return !errors.Is(err, ErrNotExist)
}

// clean removes everything a buried session has in the object store. It may be
// repeated, and goes on from where it was. Multipart uploads are listed at the
// staging key too: one whose creation was not recorded is nowhere else to be
// found. At a destination nothing is looked for: what is open there and not
// recorded is empty, or somebody else's.
func (e *Engine) clean(ctx context.Context, s Session) error {
	open, err := e.multiparts(ctx, s)
	for _, m := range open {
		err = errors.Join(err, e.cfg.Objects.Abort(ctx, m))
	}
	var keys []string
	for key, failed := range e.cfg.Objects.List(ctx, e.stagingFolder(s.ID)) {
		if failed != nil {
			err = errors.Join(err, failed)
			break
		}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		err = errors.Join(err, e.cfg.Objects.Delete(ctx, keys...))
	}
	if err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// multiparts are the multipart uploads that may be open for a session.
func (e *Engine) multiparts(ctx context.Context, s Session) ([]Multipart, error) {
	var all []Multipart
	if s.UploadID != "" {
		all = append(all, s.multipart())
	}
	if s.Commit != nil && s.Commit.Copy.ID != "" {
		all = append(all, s.Commit.Copy)
	}
	staging := e.stagingKey(s.ID)
	ids, err := e.cfg.Objects.Multiparts(ctx, staging)
	for _, id := range ids {
		if m := (Multipart{Key: staging, ID: id}); !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all, err
}

// abort gives up a multipart upload that turned out not to be needed.
func (e *Engine) abort(ctx context.Context, m Multipart) {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.cfg.Objects.Abort(ctx, m); err != nil {
		e.note("abort multipart upload", m.Key, err)
	}
}

// deleteFragments removes those fragments that are objects.
func (e *Engine) deleteFragments(ctx context.Context, fragments []Fragment) {
	keys := objectKeys(fragments)
	if len(keys) == 0 {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.cfg.Objects.Delete(ctx, keys...); err != nil {
		e.note("delete tail objects", keys[0], err)
	}
}

// objectKeys are those of the fragments that are objects.
func objectKeys(fragments []Fragment) (keys []string) {
	for _, f := range fragments {
		if f.Place == InObjects {
			keys = append(keys, f.Name)
		}
	}
	return keys
}
