package upload

import (
	"context"
	"errors"
	"fmt"
)

// errWrongSize: an object of this upload is not as long as what was accepted.
var errWrongSize = errors.New("object has another size")

// seemsDamaged says whether err means that accepted bytes are not there.
func seemsDamaged(err error) bool {
	for _, gone := range []error{errTailGone, errWrongSize, ErrNotExist, ErrNoPart, ErrDamaged} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return false
}

// suspect judges an upload whose accepted bytes do not seem to be all there. A
// store that is confused for a moment says the same as one that has lost them,
// so the client is told to repeat until that was seen several times, minutes
// apart. Only ErrDamaged is certain at once: what the record says of itself, or
// an object that the store says is not what was sent. Nothing is deleted: what
// is left is for the operator until the upload expires.
func (e *Engine) suspect(ctx context.Context, s Session, cause error) error {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	times, err := e.cfg.Sessions.Suspect(ctx, s.ID, oneLine(cause.Error()), errors.Is(cause, ErrDamaged))
	switch {
	case err != nil:
		return fmt.Errorf("note damage: %w", err)
	case times < DamagedAfter:
		e.cfg.Log.Warn("upload looks damaged", "upload", s.ID, "offset", s.Offset, "seen", times, "err", cause)
		return fmt.Errorf("%w: looks damaged, seen %d times: %v", ErrUnavailable, times, cause)
	}
	e.damaged(ctx, s, cause)
	return ErrNotFound
}

// orLost judges an error of the commit. What a superseded runner misses, its
// successor has tidied up: such a runner suspects nothing.
func (r *run) orLost(ctx context.Context, err error) error {
	certain := errors.Is(err, ErrDamaged)
	if !seemsDamaged(err) || errors.Is(err, ErrUnavailable) && !certain {
		return err
	}
	if stale := r.update(ctx, func(*Commit) {}); stale != nil {
		return stale
	}
	return r.e.suspect(ctx, r.s, err)
}
