package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

// slowPlan is many uploads at once by clients that send slowly.
type slowPlan struct {
	uploads int
	chunk   int64
	chunks  int
	rate    int           // bytes a second, of each
	stagger time.Duration // over which they begin
}

// slow measures the memory that slow uploads take, in a chunkgate that has done
// nothing before.
func (s *stack) slow(ctx context.Context, p slowPlan) (report.Slow, error) {
	fresh := s.serve()
	defer fresh.Kill()
	r := report.Slow{Uploads: p.uploads, Chunk: p.chunk, Chunks: p.chunks, Rate: p.rate}
	var err error
	if r.Before, err = meter.Resident(fresh.PID()); err != nil {
		return r, err
	}
	use, err := meter.Start(s.with(fresh)...)
	if err != nil {
		return r, err
	}
	begin := time.Now()
	errs := make([]error, p.uploads)
	var uploads sync.WaitGroup
	var refused atomic.Int64
	for i := range p.uploads {
		uploads.Go(func() {
			select {
			case <-time.After(p.stagger * time.Duration(i) / time.Duration(p.uploads)):
				errs[i] = s.slowUpload(ctx, address(fresh.BaseURL), i, p, &refused)
			case <-ctx.Done():
				errs[i] = ctx.Err()
			}
		})
	}
	uploads.Wait()
	r.Seconds = time.Since(begin).Seconds()
	used, err := use.Stop()
	if err := errors.Join(err, errors.Join(errs...)); err != nil {
		return r, fmt.Errorf("slow uploads: %w", err)
	}
	r.Refused = refused.Load()
	r.Peak, r.CPU, r.Redis = used[report.Gate].Peak, used[report.Gate].CPU, used[report.Redis].Peak
	return r, nil
}

// slowUpload sends its chunks and throws them away.
func (s *stack) slowUpload(ctx context.Context, addr string, client int, p slowPlan, refused *atomic.Int64) error {
	c, err := load.Dial(addr)
	if err != nil {
		return err
	}
	defer func() { c.Close() }()
	g := load.NewGate(c, testserver.Token, fmt.Sprintf("/slow/%d.bin", client), false)
	for n := range p.chunks {
		for try := 1; ; try++ {
			err := g.SendSlowly(ctx, s.payload.Chunk(client, n, p.chunk), p.rate)
			if err == nil {
				break
			}
			if !busy(err) || try == mostTries {
				return fmt.Errorf("upload %d, chunk %d: %w", client, n+1, err)
			}
			refused.Add(1)
			c.Close() // the refusal may have come in the middle of the body
			again, err := load.Dial(addr)
			if err != nil {
				return err
			}
			c, g = again, g.Over(again)
		}
	}
	return g.Discard()
}

// mostTries of one chunk.
const mostTries = 5

// busy says whether the client is asked to send its chunk again: a machine may
// be too slow for what all these clients send together.
func busy(err error) bool {
	var refused *load.RefusedError
	return errors.As(err, &refused) &&
		(refused.Status == http.StatusServiceUnavailable || refused.Status == http.StatusTooManyRequests)
}
