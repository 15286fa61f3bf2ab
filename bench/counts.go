package main

import (
	"context"
	"fmt"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/bench/report"
	"github.com/chunkgate/chunkgate/bench/tap"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

// counting is an upload whose requests to the stores are counted.
type counting struct {
	chunk  int64
	chunks int
	hint   bool
	length bool
}

// countings: each size of a chunk; bodies of unknown length; commits without
// the hint; and commits with it of files of several sizes, with a tail and
// without.
var countings = []counting{
	{1 * mib, 1, true, true},
	{1 * mib, 41, true, true},
	{4 * mib, 41, true, true},
	{4 * mib, 42, true, true},
	{4 * mib, 42, false, true},
	{4 * mib, 42, true, false},
	{8 * mib, 1, true, true},
	{8 * mib, 16, true, true},
	{8 * mib, 128, true, true},
	{8 * mib, 16, false, true},
	{8 * mib, 16, true, false},
	{32 * mib, 8, true, true},
	{32 * mib, 8, true, false},
	{150 * mib, 3, true, true},
}

// count runs the uploads through a chunkgate of its own with relays before the
// stores. Nothing is timed.
func (s *stack) count(ctx context.Context, all []counting) ([]report.Count, error) {
	s3, stopS3, err := tap.NewS3(s.store.Endpoint)
	if err != nil {
		return nil, err
	}
	defer stopS3()
	redis, stopRedis, err := tap.NewRedis(s.redis.Addr)
	if err != nil {
		return nil, err
	}
	defer stopRedis()
	// Listing and aborting what expired is no cost of an upload.
	tapped := s.serve("CHUNKGATE_S3_ENDPOINT="+s3.Endpoint, "CHUNKGATE_REDIS_URL="+redis.URL, "CHUNKGATE_SWEEP_INTERVAL=1h")
	defer tapped.Kill()
	t := &taps{s: s, s3: s3, redis: redis, addr: address(tapped.BaseURL)}
	var counts []report.Count
	for _, c := range all {
		count, err := t.upload(c)
		if err != nil {
			return nil, fmt.Errorf("count %d chunks of %d bytes: %w", c.chunks, c.chunk, err)
		}
		counts = append(counts, count)
		if err := s.empty(ctx); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

type taps struct {
	s     *stack
	s3    *tap.S3
	redis *tap.Redis
	addr  string
}

// upload sends one file and says what it cost.
func (t *taps) upload(c counting) (report.Count, error) {
	conn, err := load.Dial(t.addr)
	if err != nil {
		return report.Count{}, err
	}
	defer conn.Close()
	g := load.NewGate(conn, testserver.Token, "/counted/file.bin", c.hint)
	count := report.Count{Chunk: c.chunk, Chunks: c.chunks, Hint: c.hint, Length: c.length}
	sent := t.s3.Bytes()

	// Chunks of 4 MiB make a part by two: the second opens the multipart upload.
	opening := min(2, c.chunks)
	count.Opening = t.during(func() { err = t.send(g, c, 0, opening) })
	if err != nil {
		return report.Count{}, err
	}
	count.Steady = c.chunks - opening
	trips, commands := t.redis.Trips(), t.redis.Commands()
	count.Chunked = t.during(func() { err = t.send(g, c, opening, c.chunks) })
	if err != nil {
		return report.Count{}, err
	}
	count.Trips, count.Commands = t.redis.Trips()-trips, t.redis.Commands()-commands

	trips = t.redis.Trips()
	count.Commit = t.during(func() { err = g.Commit() })
	count.TripsEnd = t.redis.Trips() - trips
	count.Sent = t.s3.Bytes() - sent
	return count, err
}

func (t *taps) send(g *load.Gate, c counting, from, to int) error {
	for n := from; n < to; n++ {
		if err := g.Send(t.s.payload.Chunk(0, n, c.chunk), c.length); err != nil {
			return err
		}
	}
	return nil
}

// during is what was called while work ran. Nobody else uses the relays.
func (t *taps) during(work func()) map[string]int {
	before := t.s3.Calls()
	work()
	made := map[string]int{}
	for call, n := range t.s3.Calls() {
		if n > before[call] {
			made[call] = n - before[call]
		}
	}
	return made
}
