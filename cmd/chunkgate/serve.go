package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/internal/garbage"
	"github.com/chunkgate/chunkgate/metrics"
	"github.com/chunkgate/chunkgate/proxy"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/tracing"
	"github.com/chunkgate/chunkgate/upload"
)

// serve is the command that does the work.
type serve struct {
	Settings settings `embed:""`
}

// Run wires the packages together and serves until ctx ends.
func (c *serve) Run(ctx context.Context, stderr io.Writer, unknown strays) error {
	s := &c.Settings
	if err := s.validate(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: s.LogLevel}))
	if len(unknown) > 0 {
		log.Warn("no settings of chunkgate", "variables", unknown)
	}
	watch := metrics.New()
	guard, err := s.guard(ctx, watch.TokensFailed, log)
	if err != nil {
		return err
	}
	certificate, err := s.tls(ctx, log)
	if err != nil {
		return err
	}
	spans, err := tracing.Start(ctx, metrics.Version(), log)
	if err != nil {
		return err
	}
	defer spans.Stop()
	sessions, objects, redis, err := s.connect(ctx, spans)
	if err != nil {
		return err
	}
	defer redis.Close()
	if err := sessions.Permitted(ctx); errors.Is(err, session.ErrDenied) { // one that is away is not ready yet
		return &settingError{"CHUNKGATE_REDIS_URL", err.Error()}
	}
	if s.S3Checksum == s3backend.Off {
		log.Warn("NO CHECKSUM: damage on the way to the store goes unnoticed")
	}
	engine := upload.New(upload.Config{
		Sessions: watch.Sessions(sessions),
		Objects:  watch.Objects(objects),
		Failures: sessions,
		Quotas:   sessions,
		Tails:    sessions,
		Limits:   s.limits(), TTL: s.UploadTTL, Lease: s.CommitLease, StagingPrefix: s.StagingPrefix,
		TailInSessions: int64(s.TailRedisMax), BufferMemory: int64(s.BufferMemory), PartsParallel: s.PartsParallel,
		TailShare: s.TailRedisShare, TailIdle: s.TailIdle,
		OwnerShare: s.Owner.OwnerShare,
		Log:        log, Observer: watch.Engine,
	})
	watch.Engine.WatchBuffers(engine.Buffers)
	watch.Engine.WatchSpilling(engine.Spilling)
	watch.WatchUploads(sessions.Count)
	trying := newProbe(s, objects, log)
	watch.WatchSweep(sessions.Overdue)
	server := proxy.New(proxy.Config{
		Engine: probed{engine, trying}, Files: watch.Files(objects), Auth: guard.auth,
		Owner: s.Owner.limits(), Rates: sessions.Limiter(),
		Remark:      engine.Remark,
		MaxInFlight: s.Owner.MaxInFlight, OwnerShare: s.Owner.OwnerShare,
		TLS: certificate, HTTP2: s.HTTP2, Origins: s.CORSOrigins,
		KeyPrefix: s.KeyPrefix, StagingPrefix: s.StagingPrefix,
		StrictLength: s.StrictLength, MaxChunk: int64(s.MaxChunk), BodyIdle: s.BodyIdleTimeout,
		Log: log, Observer: watch.Requests, Tracing: spans.Requests,
	})
	admin, err := s.startAdmin(server, watch, log)
	if err != nil {
		return err
	}
	defer admin.close()
	defer tidy()()
	defer guard.run(context.WithoutCancel(ctx))() // also while running requests end
	return s.run(ctx, server, engine, trying, log)
}

// mostGarbage is what may become garbage before it is collected, in bytes. At
// full load that is two or three collections a second.
const mostGarbage = 8 << 20

// tidy bounds garbage, unless the operator says how.
func tidy() (stop func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	return garbage.Bound(mostGarbage)
}

// run serves and sweeps until ctx ends or the store is found unfit, then lets
// chunks and commits finish.
func (s *settings) run(ctx context.Context, server *proxy.Server, engine *upload.Engine, trying *probe, log *slog.Logger) error {
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return &settingError{"CHUNKGATE_LISTEN", "cannot be listened on: " + err.Error()}
	}
	log.Info("serving", "listen", listener.Addr().String(), "bucket", s.S3Bucket)

	serving, stop := context.WithCancel(ctx)
	defer stop()
	var unfit error
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		if unfit = trying.run(serving); unfit != nil {
			stop()
		}
	})
	sweeping.Go(func() { every(serving, s.SweepInterval, "sweep", engine.Sweep, log) })
	sweeping.Go(func() { every(serving, tailInterval, "move tails", engine.MoveTails, log) })
	sweeping.Go(func() { every(serving, s.OrphanInterval, "find orphans", engine.Orphans, log) })
	err = server.Serve(serving, listener, s.ShutdownTimeout)
	stop()
	sweeping.Wait()
	if unfit != nil {
		err = unfit // what requests that were cut say is beside the point
	}

	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ShutdownTimeout)
	defer cancel()
	if waited := engine.Wait(grace); waited != nil {
		err = errors.Join(err, fmt.Errorf("commits still running: %w", waited))
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}

// tailInterval is how often it is seen whether Redis is filling up, and whether
// tails can leave it: in a few seconds it takes in a fraction of what it holds.
const tailInterval = 5 * time.Second

// every calls work at an interval until ctx ends; never, if the interval is 0.
// Replicas need not agree on who does it: each upload is claimed by one.
func every(ctx context.Context, interval time.Duration, what string, work func(context.Context) (int, error), log *slog.Logger) {
	if interval == 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := work(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error(what, "uploads", n, "err", err)
		} else if n > 0 {
			log.Info(what, "uploads", n)
		}
	}
}
