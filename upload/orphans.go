package upload

import (
	"context"
	"errors"
	"strings"
	"time"
)

// orphanAge is how much longer than any upload lives something must have been
// under the staging prefix before it is taken for an orphan: a commit may run
// past its upload's expiry, and the two stores' clocks may run apart.
const orphanAge = 24 * time.Hour

// Orphans looks for what uploads left under the staging prefix whose record and
// deadline the session store has lost, and gives them to Sweep. It says how many
// it found. It reads the whole listing once, a page at a time. Any number may
// run at once, in any number of processes.
//
// Not every store lists multipart uploads by a prefix; MinIO does not
// (docs/stores.md 7), and frees them by an expiry of its own. What is open at a promised
// destination is nobody's for certain, and is left to the bucket's lifecycle
// rule.
func (e *Engine) Orphans(ctx context.Context) (found int, err error) {
	err = e.guard("find orphans", "", func() (err error) {
		found, err = e.orphans(ctx)
		return err
	})
	return found, err
}

func (e *Engine) orphans(ctx context.Context) (int, error) {
	found := 0
	var ids []string
	adopt := func() error {
		n, err := e.cfg.Sessions.Adopt(ctx, ids, SweepDelay)
		found, ids = found+n, ids[:0]
		return err
	}
	for s, err := range e.cfg.Objects.Staged(ctx, e.cfg.StagingPrefix) {
		if err != nil {
			return found, errors.Join(err, adopt())
		}
		id, _, ours := strings.Cut(strings.TrimPrefix(s.Key, e.cfg.StagingPrefix), "/")
		if !ours || s.Age <= e.cfg.TTL+orphanAge || len(ids) > 0 && ids[len(ids)-1] == id {
			continue
		}
		if ids = append(ids, id); len(ids) == sweepBatch {
			if err := adopt(); err != nil {
				return found, err
			}
		}
	}
	return found, adopt()
}
