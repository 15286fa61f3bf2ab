package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

// idlePlan is many uploads that are open while nobody sends.
type idlePlan struct {
	uploads int
	warm    int           // uploads before, so that memory has its usual size
	tail    int64         // bytes that each has got
	window  time.Duration // over which CPU is watched
}

// idleClients is how many connections open the uploads.
const idleClients = 8

// idle measures what open uploads cost while nothing happens.
func (s *stack) idle(ctx context.Context, p idlePlan) (report.Idle, error) {
	r := report.Idle{Uploads: p.uploads, Tail: p.tail, Window: p.window.Seconds()}
	fresh := s.serve()
	defer fresh.Kill()
	gate := meter.Process{Name: report.Gate, PIDs: []int{fresh.PID()}}

	warmed, err := s.open(fresh, p.warm, p.tail)
	if err != nil {
		return r, err
	}
	if err := s.close(fresh, warmed); err != nil {
		return r, err
	}
	redis, err := s.redisMemory(ctx)
	if err != nil {
		return r, err
	}
	if r.CPUBefore, r.RSSBefore, r.FDBefore, err = watch(ctx, gate, p.window); err != nil {
		return r, err
	}
	opened, err := s.open(fresh, p.uploads, p.tail)
	if err != nil {
		return r, err
	}
	if r.CPUAfter, r.RSSAfter, r.FDAfter, err = watch(ctx, gate, p.window); err != nil {
		return r, err
	}
	after, err := s.redisMemory(ctx)
	if err != nil {
		return r, err
	}
	r.Redis = after - redis
	return r, s.close(fresh, opened)
}

// watch says what a process uses while nothing happens.
func watch(ctx context.Context, p meter.Process, window time.Duration) (cpu float64, resident int64, files int, err error) {
	// What the load before has left to do.
	if err := sleep(ctx, window); err != nil {
		return 0, 0, 0, err
	}
	use, err := meter.Start(p)
	if err != nil {
		return 0, 0, 0, err
	}
	if err := sleep(ctx, window); err != nil {
		return 0, 0, 0, err
	}
	used, err := use.Stop()
	if err != nil {
		return 0, 0, 0, err
	}
	if resident, err = meter.Resident(p.PIDs[0]); err != nil {
		return 0, 0, 0, err
	}
	files, err = meter.Files(p.PIDs[0])
	return used[p.Name].CPU, resident, files, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// open opens n uploads with one chunk each, and no connection stays.
func (s *stack) open(p testserver.Proxy, n int, chunk int64) ([]*load.Gate, error) {
	uploads := make([]*load.Gate, n)
	return uploads, each(p, n, func(c *load.Conn, i int) error {
		uploads[i] = load.NewGate(c, testserver.Token, fmt.Sprintf("/idle/%d.bin", i), false)
		return uploads[i].Send(s.payload.Chunk(i, 0, chunk), true)
	})
}

// close discards uploads.
func (s *stack) close(p testserver.Proxy, uploads []*load.Gate) error {
	return each(p, len(uploads), func(c *load.Conn, i int) error { return uploads[i].Over(c).Discard() })
}

// each calls do for numbers up to n, some at once, each with a connection.
func each(p testserver.Proxy, n int, do func(c *load.Conn, i int) error) error {
	errs := make([]error, idleClients)
	var clients sync.WaitGroup
	for k := range idleClients {
		clients.Go(func() {
			c, err := load.Dial(address(p.BaseURL))
			if err != nil {
				errs[k] = err
				return
			}
			defer c.Close()
			for i := k; i < n && errs[k] == nil; i += idleClients {
				errs[k] = do(c, i)
			}
		})
	}
	clients.Wait()
	return errors.Join(errs...)
}
