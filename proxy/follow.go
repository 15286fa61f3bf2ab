package proxy

import (
	"bytes"
	"context"
	"log/slog"
	"time"
)

// Follow reads the tokens anew at every tick, until ctx ends. It goes by the
// content: where Kubernetes mounts a secret, a link is swapped, and neither the
// file's time nor a watch on it would tell. Tokens that cannot be read leave
// those there are, and are complained of once, with nothing of their content.
func (a *Authenticator) Follow(ctx context.Context, tick <-chan time.Time, read func() ([]byte, error), log *slog.Logger) {
	complaint := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		changed, err := a.reread(read)
		switch {
		case err != nil && err.Error() != complaint:
			log.Error("tokens cannot be read anew: those before still count", "err", err)
		case changed:
			log.Info("tokens read anew")
		}
		complaint = ""
		if err != nil {
			complaint = err.Error()
		}
	}
}

func (a *Authenticator) reread(read func() ([]byte, error)) (changed bool, err error) {
	content, err := read()
	if err != nil {
		return false, err
	}
	return a.Reload(bytes.NewReader(content))
}
