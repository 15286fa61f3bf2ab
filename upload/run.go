package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// run is one commit at work.
type run struct {
	e      *Engine
	s      Session
	r      CommitRequest
	cancel context.CancelCauseFunc
	unused Multipart // not needed once the commit has succeeded
	begun  time.Time
	way    Way // how the object appears, once that is known

	mu     sync.Mutex // the lease is renewed beside the work
	commit Commit
}

// state is a copy of the stored state.
func (r *run) state() Commit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.commit
}

// update changes the stored state and renews the lease. That another runner has taken over ends
// this one: its work is that one's now.
func (r *run) update(ctx context.Context, change func(*Commit)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.commit)
	err := r.e.retry(ctx, InSessions, always, func() error {
		return r.e.cfg.Sessions.UpdateCommit(ctx, r.s.ID, r.commit, r.e.cfg.Lease, r.s.Sealed)
	})
	if err != nil {
		return fmt.Errorf("store state of commit: %w", superseded(err))
	}
	return nil
}

// keepLease renews the lease, three times before it would end, until stop is
// called. When it cannot, the run is
// cancelled: somebody else will think it dead.
func (r *run) keepLease(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for sleep(ctx, r.e.cfg.Lease/3) == nil {
			err := r.e.guard("renew lease", r.s.ID, func() error { return r.update(ctx, func(*Commit) {}) })
			if err != nil && ctx.Err() == nil {
				r.cancel(fmt.Errorf("renew lease: %w", err))
				return
			}
		}
	}()
	return func() {
		cancel()
		<-stopped
	}
}

// litters says whether the commit leaves something behind in the object store.
// What it does not know of, such as a tail object of a chunk that lost, the
// search for orphans finds.
func (r *run) litters() bool {
	return r.s.Sealed || r.unused.ID != "" || slices.ContainsFunc(r.s.Tail, func(f Fragment) bool { return f.Place == InObjects })
}

// tidy removes that, and says whether it could.
func (r *run) tidy(ctx context.Context) bool {
	var err error
	if r.s.Sealed {
		err = r.e.cfg.Objects.Delete(ctx, r.e.stagingKey(r.s.ID))
	}
	if r.unused.ID != "" {
		err = errors.Join(err, r.e.cfg.Objects.Abort(ctx, r.unused))
	}
	if keys := objectKeys(r.s.Tail); len(keys) > 0 {
		err = errors.Join(err, r.e.cfg.Objects.Delete(ctx, keys...))
	}
	if err != nil {
		r.e.note("tidy up after the commit", r.s.ID, err)
	}
	return err == nil
}
