package upload

import (
	"context"
	"errors"
	"time"
)

// tries is how often a call is made at most, and backoff the wait after the
// first failure; it doubles. Together under two seconds, well within what
// clients wait for an answer.
const (
	tries   = 4
	backoff = 100 * time.Millisecond
)

// retry repeats do while it says ErrUnavailable and again allows it.
func retry(ctx context.Context, again func() bool, do func() error) error {
	wait := backoff
	for n := 1; ; n++ {
		err := do()
		if err == nil || !errors.Is(err, ErrUnavailable) || n == tries || !again() {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			wait *= 2
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// always allows every repeat: the call is idempotent.
func always() bool { return true }
