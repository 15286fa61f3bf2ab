package metrics

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A sample is asked for at most once in a while, and a store that does not
// answer makes no value instead of a wrong one.
func TestSampled(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	asked, answer := 0, error(nil)
	s := newSampled("x", "X.", func(ctx context.Context) (int64, error) {
		asked++
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > sampleLimit {
			t.Error("a sample may take for ever")
		}
		return int64(asked), answer
	}, func() time.Time { return now })
	steps := []struct {
		after time.Duration
		err   error
		asked int
		shown int // metrics
	}{
		{0, nil, 1, 1},
		{sampleAge - 1, nil, 1, 1},
		{1, errors.New("down"), 2, 0},
		{sampleAge - 1, nil, 2, 0},
		{1, nil, 3, 1},
	}
	for n, step := range steps {
		now, answer = now.Add(step.after), step.err
		shown := make(chan prometheus.Metric, 1)
		s.Collect(shown)
		if asked != step.asked || len(shown) != step.shown {
			t.Errorf("step %d: asked %d times, want %d; %d values shown, want %d", n, asked, step.asked, len(shown), step.shown)
		}
	}
}
