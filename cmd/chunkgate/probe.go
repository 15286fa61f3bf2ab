package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// probe tries at the start whether the store is fit. Until it has been, the
// server is not ready, so that nothing in front sends requests.
type probe struct {
	try     func(context.Context) error // an *s3backend.Unfit is proven
	log     *slog.Logger
	outcome atomic.Pointer[error] // of the last try; nil: none has ended
}

func newProbe(s *settings, objects *s3backend.Backend, log *slog.Logger) *probe {
	return &probe{log: log, try: func(ctx context.Context) error {
		return objects.Probe(ctx, s.StagingPrefix, s.S3AnyConditions)
	}}
}

// How long to wait between tries: at first, and at most.
const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// run tries until the store has been proven fit, or unfit, which is its error.
// A store that is away, or something that answers in its place, is no reason to
// end: a maintenance page must not become a crash loop.
func (p *probe) run(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := p.once(ctx)
		var unfit *s3backend.Unfit
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			p.outcome.Store(&err)
			p.log.Info("store is fit")
			return nil
		case errors.As(err, &unfit):
			return err
		}
		p.outcome.Store(&err)
		p.log.Warn("not ready: the store cannot be tried, and will be again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause/2 + rand.N(pause/2)): // replicas do not all come at once
		}
	}
}

func (p *probe) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*checkup.Timeout)
	defer cancel()
	return p.try(ctx)
}

var errNotTried = errors.New("the store is being tried")

// ready is what /readyz tells of the probe.
func (p *probe) ready() error {
	outcome := p.outcome.Load()
	if outcome == nil {
		return errNotTried
	}
	if *outcome != nil {
		return fmt.Errorf("object store: %w", *outcome)
	}
	return nil
}

// probed is an engine that is not ready before its store was tried.
type probed struct {
	*upload.Engine
	probe *probe
}

// Ready says whether both stores answer, and whether the store was found fit.
func (p probed) Ready(ctx context.Context) error {
	if err := p.probe.ready(); err != nil {
		return err
	}
	return p.Engine.Ready(ctx)
}
