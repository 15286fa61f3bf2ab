package proxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A changed file counts from the next tick on, without a restart; one that is
// broken or gone leaves the tokens there are, and its content never shows.
func TestFollow(t *testing.T) {
	line := func(token string) string {
		sum := sha256.Sum256([]byte(token))
		return "sha256:" + hex.EncodeToString(sum[:]) + " " + token + " /\n"
	}
	a := mustTokens(t, line("first"))
	type file struct {
		content string
		err     error
	}
	files := make(chan file)
	log := &lockedBuffer{}
	tick := make(chan time.Time)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		read := func() ([]byte, error) {
			f := <-files
			return []byte(f.content), f.err
		}
		a.Follow(ctx, tick, read, slog.New(slog.NewTextHandler(log, nil)))
	}()
	step := func(content string, err error, known, unknown string) {
		t.Helper()
		for range 2 { // the second tick is taken when the first is done with
			tick <- time.Time{}
			files <- file{content, err}
		}
		if _, refused := a.bearer(t.Context(), known); refused != nil {
			t.Errorf("%s: %v", known, refused)
		}
		if _, refused := a.bearer(t.Context(), unknown); refused == nil {
			t.Errorf("%s still gets in", unknown)
		}
	}
	step(line("first"), nil, "first", "second")
	step(line("second"), nil, "second", "first")
	step("hunter2 eve /\n", nil, "second", "first")
	step("", nil, "second", "first")
	step("", errors.New("no such file"), "second", "first")
	step(line("first"), nil, "first", "second")
	stop()
	<-done
	if got := strings.Count(log.String(), "level=INFO"); got != 2 {
		t.Errorf("%d changes are logged, want 2:\n%s", got, log)
	}
	if got := strings.Count(log.String(), "level=ERROR"); got != 3 {
		t.Errorf("%d errors are logged, want one for each of three:\n%s", got, log)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("the log shows the file:\n%s", log)
	}
}
