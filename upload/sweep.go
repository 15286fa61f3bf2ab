package upload

import (
	"context"
	"errors"
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
	freed := 0
	err := e.guard("sweep", "", func() (err error) {
		freed, err = e.sweepDue(ctx)
		return err
	})
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
		switch failed := e.guard("sweep", id, func() error { return e.sweep(ctx, id) }); {
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
	if err := e.clean(ctx, s); err != nil {
		return err
	}
	e.observeEnd(Expired, s)
	e.release(ctx, s)
	return e.cfg.Sessions.Forget(ctx, id)
}
