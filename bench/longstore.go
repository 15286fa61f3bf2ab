package main

import (
	"context"
	"fmt"

	"github.com/chunkgate/chunkgate/bench/report"
)

// longStore is the reference for long: the parts that chunkgate makes of those
// chunks, sent to MinIO straight, those around the late chunk's beside early
// ones.
func (s *stack) longStore(ctx context.Context, p longPlan) ([]report.Block, error) {
	late, lateLane, err := s.longParts(ctx, "reference/late.bin", p)
	defer late.end(ctx)
	if err != nil {
		return nil, err
	}
	if err := lateLane.send(p.before() / p.cycle()); err != nil {
		return nil, err
	}
	var blocks []report.Block
	for range p.blocks {
		b, err := s.earlyParts(ctx, lateLane, p)
		if err != nil {
			return nil, fmt.Errorf("long upload to the store: %w", err)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// earlyParts measures a pair, the early parts in an upload of their own.
func (s *stack) earlyParts(ctx context.Context, late *lane, p longPlan) (report.Block, error) {
	early, earlyLane, err := s.longParts(ctx, "reference/early.bin", p)
	defer early.end(ctx)
	if err != nil {
		return report.Block{}, err
	}
	if err := earlyLane.send(1); err != nil {
		return report.Block{}, err
	}
	return pair{earlyLane, late, p.block / p.cycle(), s.only(report.MinIO)}.measure()
}

// longParts is an upload straight to the store. It is to be ended even if it
// cannot begin.
func (s *stack) longParts(ctx context.Context, key string, p longPlan) (*viaS3, *lane, error) {
	u := &viaS3{s: s, addr: address(s.store.Endpoint), key: key}
	part := p.chunk * int64(p.cycle())
	return u, &lane{chunk: func(n int) error { return u.send(s.payload.Chunk(0, n, part)) }}, u.begin(ctx)
}
