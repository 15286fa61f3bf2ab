package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// uploadsAbort throws one upload away.
type uploadsAbort struct {
	stores

	ID  string `arg:"" help:"The upload's id."`
	Yes bool   `help:"Do it: its bytes are lost, and its client has to start again."`
}

// Run aborts as the client itself could have. Whatever the client is doing at
// the moment ends with 404.
func (c *uploadsAbort) Run(ctx context.Context, out output) error {
	sessions, objects, redis, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer redis.Close()
	r, err := sessions.Record(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("abort upload: %w", err)
	}
	now, err := sessions.Now(ctx)
	if err != nil {
		return fmt.Errorf("abort upload: %w", err)
	}
	if why := keeps(r, now); why != "" {
		return errors.New(why)
	}
	if !c.Yes {
		return &settingError{"--yes", fmt.Sprintf("is needed: the %d bytes that %s has uploaded would be lost", r.Offset, r.Owner)}
	}
	err = c.engine(sessions, objects).Discard(ctx, r.Owner, r.ID)
	if errors.Is(err, upload.ErrBusy) {
		return errors.New("its commit has begun to run: nothing was changed")
	}
	if err != nil {
		return fmt.Errorf("abort upload: %w", err)
	}
	_, err = fmt.Fprintf(out, "aborted %s of %s, %d bytes\n", r.ID, r.Owner, r.Offset)
	return err
}

// keeps says why an upload cannot be aborted; "" if it can.
func keeps(r session.Record, now time.Time) string {
	switch {
	case r.Lost:
		return "Redis has forgotten it: chunkgate uploads sweep frees what it left, once it is due"
	case r.Err != nil:
		return "its record cannot be read: " + r.Err.Error()
	case r.State == upload.Committed:
		return "it is committed: there is nothing to abort"
	case r.State == upload.Gone:
		return "it has been discarded already"
	case r.State == upload.Committing && r.Commit.Lease.After(now):
		return "its commit is running, with a lease until " + stamp(r.Commit.Lease) + ": nothing was changed"
	case !r.Expires.After(now):
		return "it has expired: chunkgate uploads sweep frees it after " + stamp(r.Expires.Add(upload.SweepDelay))
	}
	return ""
}

// engine discards and sweeps; it is not made for chunks and commits.
func (s *stores) engine(sessions *session.Store, objects *s3backend.Backend) *upload.Engine {
	return upload.New(upload.Config{
		Sessions: sessions, Objects: objects, Limits: upload.S3Limits(), TTL: s.UploadTTL, StagingPrefix: s.StagingPrefix,
	})
}
