package uploadtest

import (
	"context"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// Names of the calls of upload.Quotas, for hooks.
const (
	OpClaim   = "claim"
	OpRelease = "release"
)

// Quotas counts open uploads in memory. It is safe for concurrent use; the
// exported fields are to be set before the first call.
type Quotas struct {
	// After, if set, may spoil the answer of a call that has taken effect: an
	// answer lost on the way.
	After func(op string) error

	// Clock is the store's own, which decides; nil: time.Now.
	Clock func() time.Time

	mu   sync.Mutex
	open map[string]map[string]time.Time // by owner and id: the expiry
}

var _ upload.Quotas = (*Quotas)(nil)

// NewQuotas makes a count of nothing.
func NewQuotas() *Quotas { return &Quotas{open: make(map[string]map[string]time.Time)} }

// Claim implements upload.Quotas.
func (f *Quotas) Claim(ctx context.Context, owner, id string, most int, ttl time.Duration) error {
	return f.call(ctx, OpClaim, func() error {
		others, now := 0, clock(f.Clock)
		for other, until := range f.open[owner] {
			if other != id && until.After(now) {
				others++
			}
		}
		if most > 0 && others >= most {
			return upload.ErrQuota
		}
		if f.open[owner] == nil {
			f.open[owner] = make(map[string]time.Time)
		}
		f.open[owner][id] = now.Add(ttl)
		return nil
	})
}

// Release implements upload.Quotas.
func (f *Quotas) Release(ctx context.Context, owner, id string) error {
	return f.call(ctx, OpRelease, func() error {
		delete(f.open[owner], id)
		return nil
	})
}

func (f *Quotas) call(ctx context.Context, op string, effect func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	err := effect()
	f.mu.Unlock()
	if f.After != nil {
		if lost := f.After(op); lost != nil {
			return lost
		}
	}
	return err
}

// Counted is how many uploads of an owner count, expired ones included.
func (f *Quotas) Counted(owner string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open[owner])
}
