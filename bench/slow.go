package main

import (
	"context"
	"errors"
	"fmt"
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
	r.Refused, err = p.crowd(ctx, func(client int) (*slowUpload, error) {
		return s.slowGate(ctx, address(fresh.BaseURL), client, p)
	})
	r.Seconds = time.Since(begin).Seconds()
	used, stopped := use.Stop()
	if err := errors.Join(stopped, err); err != nil {
		return r, fmt.Errorf("slow uploads: %w", err)
	}
	r.Peak, r.CPU, r.Redis = used[report.Gate].Peak, used[report.Gate].CPU, used[report.Redis].Peak
	return r, nil
}

// slowGate is an upload through chunkgate, which is thrown away in the end.
func (s *stack) slowGate(ctx context.Context, addr string, client int, p slowPlan) (*slowUpload, error) {
	c, err := load.Dial(addr)
	if err != nil {
		return nil, err
	}
	g := load.NewGate(c, testserver.Token, fmt.Sprintf("/slow/%d.bin", client), false)
	return &slowUpload{
		addr: addr, conn: c,
		send: func(c *load.Conn, n int) error {
			g = g.Over(c)
			return g.SendSlowly(ctx, s.payload.Chunk(client, n, p.chunk), p.rate)
		},
		end: func() error { return g.Discard() },
	}, nil
}

// slowNginx answers the most memory, in bytes, that nginx has under the same
// load, each chunk an object: the reference for slow.
func (s *stack) slowNginx(ctx context.Context, p slowPlan) (int64, error) {
	use, err := meter.Start(s.only(report.Nginx)...)
	if err != nil {
		return 0, err
	}
	_, err = p.crowd(ctx, func(client int) (*slowUpload, error) {
		return s.slowPut(ctx, address(s.nginx.Endpoint), client, p)
	})
	used, stopped := use.Stop()
	if err := errors.Join(stopped, err); err != nil {
		return 0, fmt.Errorf("slow uploads by nginx: %w", err)
	}
	return used[report.Nginx].Peak, s.empty(ctx)
}

// slowPut is as many objects as an upload has chunks, one in the other's place.
func (s *stack) slowPut(ctx context.Context, addr string, client int, p slowPlan) (*slowUpload, error) {
	c, err := load.Dial(addr)
	if err != nil {
		return nil, err
	}
	return &slowUpload{
		addr: addr, conn: c,
		send: func(c *load.Conn, n int) error {
			return s.signer.PutSlowly(ctx, c, fmt.Sprintf("slow/%d.bin", client), s.payload.Chunk(client, n, p.chunk), p.rate)
		},
		end: func() error { return nil },
	}, nil
}
