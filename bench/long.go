package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

// longPlan is an upload of many small chunks.
type longPlan struct {
	chunk  int64
	late   int // the chunk around which the late blocks lie
	block  int // chunks in a block
	blocks int // pairs of two early blocks and two late ones
}

// cycle is how many chunks make a part: a block holds a whole number of these,
// or one block would have a part more than another.
func (p longPlan) cycle() int { return int(5 * mib / p.chunk) }

// before is how many chunks precede the late ones: a whole number of cycles, too.
func (p longPlan) before() int { return (p.late - p.blocks*p.block) / p.cycle() * p.cycle() }

// long compares chunks around the late one with those near an upload's start,
// in blocks that take turns on one connection. The early ones leave out the
// first part, for which the multipart upload is opened: that would make late
// chunks look good.
func (s *stack) long(ctx context.Context, p longPlan) (report.Long, error) {
	r := report.Long{Chunk: p.chunk, Early: p.cycle() + p.block, Late: p.late}
	c, err := load.Dial(address(s.gate.BaseURL))
	if err != nil {
		return r, err
	}
	defer c.Close()
	late, lateLane := s.longUpload(c, "/long/late.bin", p.chunk)
	defer func() { _ = late.Discard() }()
	if err := lateLane.send(p.before()); err != nil {
		return r, err
	}
	for range p.blocks {
		early, earlyLane := s.longUpload(c, "/long/early.bin", p.chunk)
		if err := earlyLane.send(p.cycle()); err != nil {
			return r, err
		}
		b, err := pair{earlyLane, lateLane, p.block, s.only(report.Gate, report.Redis)}.measure()
		if err != nil {
			return r, fmt.Errorf("long upload: %w", err)
		}
		r.Blocks = append(r.Blocks, b)
		if err := early.Discard(); err != nil {
			return r, err
		}
	}
	r.Record, r.Parts, err = s.record(ctx, late.ID())
	return r, err
}

// longUpload is one through chunkgate.
func (s *stack) longUpload(c *load.Conn, path string, chunk int64) (*load.Gate, *lane) {
	g := load.NewGate(c, testserver.Token, path, true)
	return g, &lane{chunk: func(n int) error { return g.Send(s.payload.Chunk(0, n, chunk), true) }}
}

// only some of the processes.
func (s *stack) only(names ...string) []meter.Process {
	return slices.DeleteFunc(slices.Clone(s.processes), func(p meter.Process) bool { return !slices.Contains(names, p.Name) })
}
