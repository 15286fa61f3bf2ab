package upload

import (
	"context"
	"errors"
	"time"
)

// Quotas counts the uploads that each owner has open, over all proxies. Both
// methods are atomic, safe for concurrent use from any number of processes, and
// may be repeated without harm. Errors are ErrUnavailable (wrapped), and
// those that a method names.
//
// An upload counts from its Claim, which is before it is stored, to its
// Release, which is after it has ended, and never beyond its expiry: a crash in
// between lets it count too long, but no longer than it could have lived.
type Quotas interface {
	// Claim counts the upload id, which expires ttl from now by the store's
	// clock. Errors: ErrQuota when the owner has most others that have not
	// expired; then it does not count. A most of 0 is no limit.
	Claim(ctx context.Context, owner, id string, most int, ttl time.Duration) error

	// Release counts the upload id no more; that it did not count is no error.
	Release(ctx context.Context, owner, id string) error
}

// claim counts a session that is about to be opened. When that may have been
// done all the same, it is taken back.
func (e *Engine) claim(ctx context.Context, s Session, most int) error {
	if e.cfg.Quotas == nil || s.Owner == "" {
		return nil
	}
	err := e.cfg.Quotas.Claim(ctx, s.Owner, s.ID, most, e.cfg.TTL)
	if err != nil && !errors.Is(err, ErrQuota) {
		e.release(ctx, s)
	}
	return err
}

// release counts a session no more, after it has ended. If that fails, it
// counts until its expiry, or until the sweeper has freed it.
func (e *Engine) release(ctx context.Context, s Session) {
	if e.cfg.Quotas == nil || s.Owner == "" {
		return
	}
	ctx, cancel := afterwards(ctx)
	defer cancel()
	if err := e.cfg.Quotas.Release(ctx, s.Owner, s.ID); err != nil {
		e.note("release quota", s.ID, err)
	}
}
