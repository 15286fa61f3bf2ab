package proxy

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Follow reads the tokens anew at every tick, until ctx ends. It goes by the
// content: where Kubernetes mounts a secret, a link is swapped, and neither the
// file's time nor a watch on it would tell. Tokens that cannot be read leave
// those there are. Each time failed is told; the log has it once, with nothing
// of their content.
//
// A read has until the next tick. One that takes longer, as on a mount whose
// server is gone, counts as failed at each tick; it cannot be ended, so there is
// no second one beside it, and Follow does not wait for it when ctx ends.
func (a *Authenticator) Follow(ctx context.Context, tick <-chan time.Time, read func() ([]byte, error), failed func(), log *slog.Logger) {
	f := follower{auth: a, failed: failed, log: log}
	var reading chan reread // nil: no read is running
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if reading != nil {
				f.fail(errSlowTokens)
				continue
			}
			reading = make(chan reread, 1)
			go func(done chan<- reread) {
				content, err := read()
				done <- reread{content, err}
			}(reading)
		case r := <-reading:
			reading = nil
			f.take(r)
		}
	}
}

var errSlowTokens = errors.New("reading them takes longer than CHUNKGATE_TOKENS_RELOAD")

// reread is what came of a read.
type reread struct {
	content []byte
	err     error
}

// follower tells what comes of reading the tokens.
type follower struct {
	auth      *Authenticator
	failed    func()
	log       *slog.Logger
	complaint string // the last; it is logged once
}

func (f *follower) take(r reread) {
	changed, err := false, r.err
	if err == nil {
		changed, err = f.auth.Reload(r.content)
	}
	if err != nil {
		f.fail(err)
		return
	}
	f.complaint = ""
	if changed {
		f.log.Info("tokens read anew")
	}
}

func (f *follower) fail(err error) {
	f.failed()
	if err.Error() != f.complaint {
		f.log.Error("tokens cannot be read anew: those before still count", "err", err)
	}
	f.complaint = err.Error()
}
