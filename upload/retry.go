package upload

import (
	"context"
	"errors"
	"time"
)

// tries is how often a call is made at most, backoff the wait after the first
// failure, which doubles, and patience how long after the first try the last
// one may begin: a call that hangs until its timeout is not repeated, since the
// client waits for an answer.
const (
	tries    = 4
	backoff  = 100 * time.Millisecond
	patience = 5 * time.Second
)

// retry repeats do, a call to the store at, while it says ErrUnavailable and
// again allows it.
func (e *Engine) retry(ctx context.Context, at Place, again func() bool, do func() error) error {
	begun := time.Now()
	wait := backoff
	for n := 1; ; n++ {
		err := do()
		if err == nil || !errors.Is(err, ErrUnavailable) || n == tries || time.Since(begun) > patience || !again() {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			wait *= 2
			e.cfg.Observer.Retried(at)
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// always allows every repeat: the call is idempotent.
func always() bool { return true }
