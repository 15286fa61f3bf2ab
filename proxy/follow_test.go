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

// followed is a tokens file that an authenticator follows.
type followed struct {
	t      *testing.T
	auth   *Authenticator
	log    *lockedBuffer
	tick   chan time.Time
	files  chan followedFile // what the next read finds
	failed chan struct{}     // told of each failure
	stop   context.CancelFunc
	done   chan struct{}
}

type followedFile struct {
	content string
	err     error
}

func follow(t *testing.T, content string) *followed {
	ctx, stop := context.WithCancel(t.Context())
	f := &followed{
		t: t, auth: mustTokens(t, content), log: &lockedBuffer{}, tick: make(chan time.Time), files: make(chan followedFile),
		failed: make(chan struct{}), stop: stop, done: make(chan struct{}),
	}
	go func() {
		defer close(f.done)
		read := func() ([]byte, error) {
			file := <-f.files
			return []byte(file.content), file.err
		}
		f.auth.Follow(ctx, f.tick, read, func() { f.failed <- struct{}{} }, slog.New(slog.NewTextHandler(f.log, nil)))
	}()
	return f
}

// knows wants one token to get in, which may be about to, and another not to.
func (f *followed) knows(known, unknown string) {
	f.t.Helper()
	await(f.t, known+" gets in", func() bool {
		_, refused := f.auth.bearer(f.t.Context(), known)
		return refused == nil
	})
	if _, refused := f.auth.bearer(f.t.Context(), unknown); refused == nil {
		f.t.Errorf("%s still gets in", unknown)
	}
}

func tokenLine(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:]) + " " + token + " /\n"
}

// A changed file counts from the next tick on, without a restart; one that is
// broken or gone leaves the tokens there are, and its content never shows.
func TestFollow(t *testing.T) {
	f := follow(t, tokenLine("first"))
	good := func(token, before string) {
		t.Helper()
		f.tick <- time.Time{}
		f.files <- followedFile{content: tokenLine(token)}
		f.knows(token, before)
	}
	bad := func(file followedFile) {
		t.Helper()
		for range 2 { // it is told each time, and logged once
			f.tick <- time.Time{}
			f.files <- file
			<-f.failed
		}
		f.knows("second", "first")
	}
	good("second", "first")
	bad(followedFile{content: "hunter2 eve /\n"})
	bad(followedFile{})
	bad(followedFile{err: errors.New("no such file")})
	good("first", "second")
	f.stop()
	<-f.done
	if got := strings.Count(f.log.String(), "level=INFO"); got != 2 {
		t.Errorf("%d changes are logged, want 2:\n%s", got, f.log)
	}
	if got := strings.Count(f.log.String(), "level=ERROR"); got != 3 {
		t.Errorf("%d errors are logged, want one for each of three:\n%s", got, f.log)
	}
	if strings.Contains(f.log.String(), "hunter2") {
		t.Errorf("the log shows the file:\n%s", f.log)
	}
}

// A file that cannot be read to its end, as on a mount whose server is gone, is
// told of, counts when it comes after all, and never holds up the end.
func TestFollowHungFile(t *testing.T) {
	f := follow(t, tokenLine("first"))
	f.tick <- time.Time{}
	for range 3 {
		f.tick <- time.Time{}
		<-f.failed
	}
	if got := strings.Count(f.log.String(), "takes longer"); got != 1 {
		t.Errorf("it is logged %d times, want once:\n%s", got, f.log)
	}
	f.files <- followedFile{content: tokenLine("second")}
	f.knows("second", "first")
	f.tick <- time.Time{} // hangs again
	f.stop()
	<-f.done
	close(f.files)
}

// An unchanged file is not parsed: that would cost half a second of CPU every
// ten seconds with 100,000 tokens.
func TestReloadUnchanged(t *testing.T) {
	content := []byte(tokenLine("first"))
	a := mustTokens(t, string(content))
	before := a.known()
	least := testing.AllocsPerRun(10, func() {
		if changed, err := a.Reload(content); changed || err != nil {
			t.Errorf("got %t, %v", changed, err)
		}
	})
	if least > 0 || a.known() != before {
		t.Errorf("%v allocations for what is known", least)
	}
}
