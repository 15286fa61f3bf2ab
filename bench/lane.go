package main

import (
	"fmt"
	"time"

	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
)

// lane is an upload whose chunks are sent one after the other.
type lane struct {
	chunk func(n int) error // sends the n-th chunk, from 0
	sent  int
}

func (l *lane) send(chunks int) error {
	for range chunks {
		if err := l.chunk(l.sent); err != nil {
			return fmt.Errorf("chunk %d: %w", l.sent+1, err)
		}
		l.sent++
	}
	return nil
}

// pair compares blocks of so many chunks: early, late, late, early, so that what
// gets slower or faster meanwhile touches both alike.
type pair struct {
	early, late *lane
	chunks      int
	processes   []meter.Process // whose CPU time is told
}

func (p pair) measure() (b report.Block, err error) {
	for _, late := range []bool{false, true, true, false} {
		to, seconds, cpu := p.early, &b.EarlyTime, &b.EarlyCPU
		if late {
			to, seconds, cpu = p.late, &b.LateTime, &b.LateCPU
		}
		if err := p.add(to, seconds, cpu); err != nil {
			return b, err
		}
	}
	return b, nil
}

// add sends a block and adds up what it took, in seconds.
func (p pair) add(to *lane, seconds, cpu *float64) error {
	use, err := meter.Start(p.processes...)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := to.send(p.chunks); err != nil {
		return err
	}
	*seconds += time.Since(begin).Seconds()
	used, err := use.Stop()
	for _, u := range used {
		*cpu += u.CPU
	}
	return err
}
