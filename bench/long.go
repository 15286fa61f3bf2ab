package main

import (
	"context"
	"fmt"
	"time"

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
	blocks int // of each kind
}

// cycle is how many chunks make a part: a block holds a whole number of these,
// or one block would have a part more than another.
func (p longPlan) cycle() int { return int(5 * mib / p.chunk) }

// long compares chunks around the late one with those near an upload's start,
// in blocks that take turns on one connection. The early ones leave out the
// first part, for which the multipart upload is opened: that would make late
// chunks look good.
func (s *stack) long(ctx context.Context, p longPlan) (report.Long, error) {
	c, err := load.Dial(address(s.gate.BaseURL))
	if err != nil {
		return report.Long{}, err
	}
	defer c.Close()
	r := report.Long{Chunk: p.chunk, Early: p.cycle() + p.block/2, Late: p.late}
	late := &longUpload{s: s, p: p, g: load.NewGate(c, testserver.Token, "/long/late.bin", true)}
	defer func() { _ = late.g.Discard() }()
	// A whole number of cycles, too.
	before := (p.late - p.blocks*p.block/2) / p.cycle() * p.cycle()
	if err := late.send(before); err != nil {
		return r, err
	}
	for range p.blocks {
		early := &longUpload{s: s, p: p, g: load.NewGate(c, testserver.Token, "/long/early.bin", true)}
		b, err := p.pair(early, late)
		if err != nil {
			return r, fmt.Errorf("long upload: %w", err)
		}
		r.Blocks = append(r.Blocks, b)
		if err := early.g.Discard(); err != nil {
			return r, err
		}
	}
	r.Record, r.Parts, err = s.record(ctx, late.g.ID())
	return r, err
}

// pair measures a block of each kind.
func (p longPlan) pair(early, late *longUpload) (b report.Block, err error) {
	if err := early.send(p.cycle()); err != nil {
		return b, err
	}
	if b.EarlyTime, b.EarlyCPU, err = early.measure(p.block); err != nil {
		return b, err
	}
	b.LateTime, b.LateCPU, err = late.measure(p.block)
	return b, err
}

type longUpload struct {
	s    *stack
	p    longPlan
	g    *load.Gate
	sent int
}

func (u *longUpload) send(chunks int) error {
	for range chunks {
		if err := u.g.Send(u.s.payload.Chunk(0, u.sent, u.p.chunk), true); err != nil {
			return fmt.Errorf("chunk %d: %w", u.sent+1, err)
		}
		u.sent++
	}
	return nil
}

// measure sends chunks and answers the time they took, and the CPU time of
// chunkgate and Redis together, in seconds.
func (u *longUpload) measure(chunks int) (seconds, cpu float64, err error) {
	use, err := meter.Start(u.s.processes...)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := u.send(chunks); err != nil {
		return 0, 0, err
	}
	seconds = time.Since(begin).Seconds()
	used, err := use.Stop()
	return seconds, used[report.Gate].CPU + used[report.Redis].CPU, err
}
