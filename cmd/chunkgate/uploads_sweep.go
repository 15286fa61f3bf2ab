package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// uploadsSweep frees what has expired.
type uploadsSweep struct {
	stores
}

// sweepShown is how many uploads are named; one sweep frees about as many.
const sweepShown = 100

// Run sweeps once. What is due is read before and after, so that it can be
// said what has gone; other sweepers may have had their part in it.
func (c *uploadsSweep) Run(ctx context.Context, out output) error {
	sessions, objects, redis, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer redis.Close()
	var due []session.Record
	now, err := sessions.Now(ctx)
	if err == nil {
		due, err = dueBy(ctx, sessions, now.Add(-upload.SweepDelay))
	}
	if err != nil {
		return fmt.Errorf("look for expired uploads: %w", err)
	}
	freed, err := c.engine(sessions, objects).Sweep(ctx)
	for _, r := range due {
		_, now := sessions.Record(ctx, r.ID)
		switch {
		case errors.Is(now, upload.ErrNotFound):
			_, _ = fmt.Fprintf(out, "freed  %s of %s, %d bytes\n", r.ID, r.Owner, r.Offset)
		case now == nil:
			_, _ = fmt.Fprintf(out, "kept   %s of %s: its commit runs, or it could not be freed\n", r.ID, r.Owner)
		default:
			err = errors.Join(err, now)
		}
	}
	_, _ = fmt.Fprintf(out, "freed %d uploads\n", freed)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// dueBy are the uploads whose deadline is not after by, the first of them.
func dueBy(ctx context.Context, sessions *session.Store, by time.Time) ([]session.Record, error) {
	var due []session.Record
	for r, err := range sessions.Records(ctx) {
		if err != nil {
			return nil, err
		}
		if r.Due.After(by) || len(due) == sweepShown {
			break
		}
		due = append(due, r)
	}
	return due, nil
}
