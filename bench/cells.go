package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
)

// measured is a cell while its rounds come in.
type measured struct {
	cell      report.Cell
	latencies []float64 // of all chunks, in seconds
}

// cells puts a group's systems under its load, in turns: A B C A B C. After
// until it begins no further turn, but the first.
func (s *stack) cells(ctx context.Context, g group, until time.Time) ([]report.Cell, error) {
	all := make([]measured, len(g.systems))
	for i, sys := range g.systems {
		all[i].cell = sys.cell(g)
	}
	for n := range g.rounds {
		if n > 0 && time.Now().After(until) {
			break
		}
		for i, sys := range g.systems {
			if err := s.round(ctx, g, sys, &all[i], n == 0); err != nil {
				return nil, fmt.Errorf("%s, %d clients, chunks of %d bytes: %w", sys.name, g.clients, g.chunk, err)
			}
		}
	}
	var cells []report.Cell
	for _, m := range all {
		m.cell.P50 = meter.Percentile(m.latencies, 50)
		m.cell.P99 = meter.Percentile(m.latencies, 99)
		cells = append(cells, m.cell)
	}
	return cells, nil
}

// cell of a system in a group, without a round.
func (sys system) cell(g group) report.Cell {
	return report.Cell{
		System: sys.name, Chunk: g.chunk, Clients: g.clients, Chunks: g.chunks,
		Length: !sys.noLength, Hint: sys.name == report.Gate && !sys.noHint, Parallel: sys.parallel, Unsummed: sys.unsummed,
	}
}

// round runs the load once. With verify it reads one object back afterwards.
func (s *stack) round(ctx context.Context, g group, sys system, to *measured, verify bool) error {
	clients := s.clients(g, sys)
	defer func() {
		for _, c := range clients {
			c.end(ctx)
		}
	}()
	for _, c := range clients {
		if err := c.begin(ctx); err != nil {
			return err
		}
	}
	round, latencies, err := s.send(g, sys, clients)
	if err != nil {
		return err
	}
	keys, commits, err := finish(ctx, clients)
	if err != nil {
		return err
	}
	round.Commit = meter.Median(commits)
	to.cell.Rounds = append(to.cell.Rounds, round)
	to.latencies = append(to.latencies, latencies...)
	if verify && keys[0] != "" {
		if err := s.verify(ctx, keys[0], s.payload.SHA256(0, g.chunks, g.chunk)); err != nil {
			return err
		}
		to.cell.Verified++
	}
	return s.empty(ctx)
}

// clients are the uploads of a round, none begun.
func (s *stack) clients(g group, sys system) []uploader {
	clients := make([]uploader, g.clients)
	for i := range clients {
		name := fmt.Sprintf("bench/%d.bin", i)
		switch sys.name {
		case report.Gate:
			clients[i] = &viaGate{addr: address(s.gateOf(sys).BaseURL), path: "/" + name, known: !sys.noLength, hint: !sys.noHint}
		case report.Nginx:
			clients[i] = &viaS3{s: s, addr: address(s.nginx.Endpoint), key: name, conns: sys.parallel}
		default:
			clients[i] = &viaS3{s: s, addr: address(s.store.Endpoint), key: name, conns: sys.parallel}
		}
	}
	return clients
}

// send is the timed part: every client sends its chunks, all at once.
func (s *stack) send(g group, sys system, clients []uploader) (report.Round, []float64, error) {
	latencies := make([][]float64, len(clients))
	errs := make([]error, len(clients))
	use, err := meter.Start(s.with(s.gateOf(sys))...)
	if err != nil {
		return report.Round{}, nil, err
	}
	begin := time.Now()
	var sending sync.WaitGroup
	for i, c := range clients {
		sending.Go(func() { latencies[i], errs[i] = s.sendChunks(c, i, g) })
	}
	sending.Wait()
	seconds := time.Since(begin).Seconds()
	used, err := use.Stop()
	if err != nil {
		return report.Round{}, nil, err
	}
	var all []float64
	for i, err := range errs {
		if err != nil {
			return report.Round{}, nil, fmt.Errorf("client %d: %w", i, err)
		}
		all = append(all, latencies[i]...)
	}
	bytes := g.chunk * int64(g.chunks) * int64(len(clients))
	return report.Round{Bytes: bytes, Seconds: seconds, Use: used}, all, nil
}

func (s *stack) sendChunks(c uploader, client int, g group) ([]float64, error) {
	latencies := make([]float64, 0, g.chunks)
	for n := range g.chunks {
		chunk := s.payload.Chunk(client, n, g.chunk)
		begin := time.Now()
		if err := c.send(chunk); err != nil {
			return nil, fmt.Errorf("chunk %d: %w", n+1, err)
		}
		latencies = append(latencies, time.Since(begin).Seconds())
	}
	return latencies, nil
}

// finish ends the uploads one after the other, and says how long each took.
func finish(ctx context.Context, clients []uploader) (keys []string, seconds []float64, err error) {
	for i, c := range clients {
		begin := time.Now()
		key, err := c.finish(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("client %d: commit: %w", i, err)
		}
		keys, seconds = append(keys, key), append(seconds, time.Since(begin).Seconds())
	}
	return keys, seconds, nil
}

// verify reads an object back.
func (s *stack) verify(ctx context.Context, key string, want [sha256.Size]byte) error {
	o, err := s.objects.Head(ctx, key)
	if err != nil {
		return err
	}
	body, err := s.objects.Get(ctx, key, o.Size)
	if err != nil {
		return err
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		return fmt.Errorf("read %s back: %w", key, err)
	}
	if got := load.Sum(sum); got != want {
		return fmt.Errorf("%s has SHA-256 %x, want %x", key, got, want)
	}
	return nil
}
