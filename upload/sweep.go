package upload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sweepBatch is how many uploads one Sweep looks at, and sweepRetry how long a
// claim on one lasts: a sweeper that dies leaves its claims to the others then.
const (
	sweepBatch = 100
	sweepRetry = 10 * time.Minute
)

// SweepDelay is how long after its expiry an upload is swept: a chunk that was
// under way then has ended by now, and leaves nothing behind that nobody knows.
const SweepDelay = time.Hour

// Sweep cleans up what has expired, up to a bounded number of uploads, and
// says how many it freed. Any number of sweepers may run: each upload is
// claimed by one.
func (e *Engine) Sweep(ctx context.Context) (int, error) {
	freed, err := e.sweepDue(ctx)
	e.cfg.Observer.Swept(err)
	return freed, err
}

func (e *Engine) sweepDue(ctx context.Context) (int, error) {
	ids, err := e.cfg.Sessions.Due(ctx, SweepDelay, sweepRetry, sweepBatch)
	if err != nil {
		return 0, err
	}
	freed := 0
	for _, id := range ids {
		switch failed := e.sweep(ctx, id); {
		case failed == nil:
			freed++
		case errors.Is(failed, ErrBusy): // its commit runs past the deadline: let it
		default:
			err = errors.Join(err, failed)
		}
	}
	return freed, err
}

// sweep frees one expired upload, also one whose record is lost: what it may
// have left at its staging key is found by its id.
func (e *Engine) sweep(ctx context.Context, id string) error {
	s, err := e.cfg.Sessions.Bury(ctx, id, "")
	if errors.Is(err, ErrNotFound) {
		s = Session{ID: id}
	} else if err != nil {
		return err
	}
	if err := e.sweepDestination(ctx, s); err != nil {
		return err
	}
	if err := e.clean(ctx, s); err != nil {
		return err
	}
	e.observeEnd(Expired, s)
	e.release(ctx, s)
	return e.cfg.Sessions.Forget(ctx, id)
}

// sweepDestination ends the multipart uploads that nobody knows of at the
// destinations that the session was meant for.
func (e *Engine) sweepDestination(ctx context.Context, s Session) error {
	var keys []string
	if s.Promised {
		keys = append(keys, s.Key)
	}
	if s.Commit != nil && s.Commit.Key != s.Key {
		keys = append(keys, s.Commit.Key)
	}
	for _, key := range keys {
		if err := e.abortEmpty(ctx, key, s, s.Expires); err != nil {
			return err
		}
	}
	return nil
}

// abortEmpty ends what a crash left between opening a multipart upload at a
// destination and recording it: it has no part and was opened in the session's
// life. Should it be another upload's after all, that one opens another:
// without parts, nothing is lost (reopen in discard.go).
func (e *Engine) abortEmpty(ctx context.Context, key string, s Session, until time.Time) error {
	ids, err := e.cfg.Objects.EmptyMultiparts(ctx, key, s.Created, until)
	for _, id := range ids {
		if m := (Multipart{Key: key, ID: id}); m != s.multipart() {
			err = errors.Join(err, e.cfg.Objects.Abort(ctx, m))
		}
	}
	if err != nil {
		return fmt.Errorf("clean up destination: %w", err)
	}
	return nil
}
