package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

// stagedPlan is a large file whose path is told at its commit only.
type stagedPlan struct {
	bytes  int64
	rounds int
}

// stagedChunk is the size of its chunks.
const stagedChunk = 8 * mib

// staged compares the time of the commit, which copies inside the store, with
// the upload's; and so what the store itself takes for that copying.
func (s *stack) staged(ctx context.Context, p stagedPlan) (report.Staged, error) {
	r := report.Staged{Bytes: p.bytes}
	for range p.rounds {
		if err := s.stagedRound(ctx, &r); err != nil {
			return r, fmt.Errorf("staged commit: %w", err)
		}
	}
	return r, nil
}

// stagedRound does the reference's copying right after chunkgate's, and all that
// is not timed before or behind both.
func (s *stack) stagedRound(ctx context.Context, r *report.Staged) error {
	chunks := int(r.Bytes / stagedChunk)
	source, err := s.copySource(ctx, chunks)
	if err != nil {
		return err
	}
	uploading, committing, err := s.stage(chunks)
	if err != nil {
		return err
	}
	copying, err := s.copying(ctx, source, r.Bytes)
	if err != nil {
		return err
	}
	r.Upload, r.Commit, r.Copy = append(r.Upload, uploading), append(r.Commit, committing), append(r.Copy, copying)
	want := s.payload.SHA256(0, chunks, stagedChunk)
	if err := s.verify(ctx, testserver.KeyPrefix+stagedPath, want); err != nil {
		return err
	}
	return s.empty(ctx)
}

const stagedPath = "staged/file.bin"

// stage uploads a file by one client and answers how long that took and how
// long its commit, in seconds.
func (s *stack) stage(chunks int) (uploading, committing float64, err error) {
	c, err := load.Dial(address(s.gate.BaseURL))
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	g := load.NewGate(c, testserver.Token, "/"+stagedPath, false)
	begin := time.Now()
	for n := range chunks {
		if err := g.Send(s.payload.Chunk(0, n, stagedChunk), true); err != nil {
			return 0, 0, err
		}
	}
	uploading = time.Since(begin).Seconds()
	begin = time.Now()
	err = g.Commit()
	return uploading, time.Since(begin).Seconds(), err
}
