package upload

import (
	"context"
	"errors"
	"sync"
	"time"
)

// sweepBatch is how many uploads are claimed at a time, sweepParallel how many
// of them are cleaned up at once, and sweepRetry how long a claim lasts: a
// sweeper that dies leaves its claims to the others then.
const (
	sweepBatch    = 100
	sweepParallel = 8
	sweepRetry    = 10 * time.Minute
)

// SweepDelay is how long after its expiry an upload is swept: a chunk that was
// under way then has ended by now, and leaves nothing behind that nobody knows.
const SweepDelay = time.Hour

// Sweep cleans up what has expired and says how many uploads it freed. It goes
// on until nothing more is due, nothing of a batch could be freed, or ctx ends.
// Any number of sweepers may run: each upload is claimed by one.
func (e *Engine) Sweep(ctx context.Context) (int, error) {
	freed := 0
	err := e.guard("sweep", "", func() (failed error) { // by the latest batch that did
		for ctx.Err() == nil {
			ids, err := e.cfg.Sessions.Due(ctx, SweepDelay, sweepRetry, sweepBatch)
			if err != nil {
				return err
			}
			n, err := e.sweepAll(ctx, ids)
			freed += n
			if err != nil {
				failed = err
			}
			if err != nil && n == 0 || len(ids) < sweepBatch {
				break
			}
		}
		return failed
	})
	e.cfg.Observer.Swept(err)
	return freed, err
}

// sweepAll frees a batch, a few at a time.
func (e *Engine) sweepAll(ctx context.Context, ids []string) (freed int, err error) {
	var mu sync.Mutex
	var work sync.WaitGroup
	next := make(chan string)
	for range min(sweepParallel, len(ids)) {
		work.Go(func() {
			for id := range next {
				failed := e.guard("sweep", id, func() error { return e.sweep(ctx, id) })
				mu.Lock()
				switch {
				case failed == nil:
					freed++
				case errors.Is(failed, ErrBusy): // its commit runs past the deadline: let it
				default:
					err = errors.Join(err, failed)
				}
				mu.Unlock()
			}
		})
	}
	for _, id := range ids {
		next <- id
	}
	close(next)
	work.Wait()
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
	if s.Commit != nil && s.Commit.Tidied { // nothing of it is in the object store, nor counts
		return e.cfg.Sessions.Forget(ctx, id)
	}
	if err := e.clean(ctx, s); err != nil {
		return err
	}
	e.observeEnd(Expired, s)
	e.release(ctx, s)
	return e.cfg.Sessions.Forget(ctx, id)
}
