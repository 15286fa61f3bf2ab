package upload_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// noted are failures in memory.
type noted struct {
	mu    sync.Mutex
	seen  []string
	block chan struct{} // if set, every note waits for it
}

func (n *noted) NoteFailure(ctx context.Context, id, what string) error {
	if n.block != nil {
		<-n.block
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, what)
	return nil
}

// TestFailureNoted has stores fail at a chunk and at a commit, and clients err:
// the stores' failures are noted, and nothing else.
func TestFailureNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := &noted{}
		l := newLab(func(c *upload.Config) { c.Failures = failures })
		s := l.mustPut(t, "", 0, content(1, 60))
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpUploadPart || op == uploadtest.OpComplete {
				return fmt.Errorf("%w: api error SlowDown:\n%s", upload.ErrUnavailable, strings.Repeat("é", 400))
			}
			return nil
		}
		if _, err := l.put(s.ID, 60, content(2, 60)); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("chunk: got %v, want %v", err, upload.ErrUnavailable)
		}
		synctest.Wait() // it is noted beside the request
		if _, err := l.put(s.ID, 7, content(2, 60)); err == nil {
			t.Error("a chunk at a wrong offset is taken")
		}
		if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("commit: got %v, want %v", err, upload.ErrUnavailable)
		}
		l.objects.Fault = nil
		l.mustCommit(t, s.ID, "file")
		if _, err := l.put(s.ID, 60, content(2, 60)); err == nil {
			t.Error("a chunk after the commit is taken")
		}
		synctest.Wait()
		if len(failures.seen) != 2 ||
			!strings.HasPrefix(failures.seen[0], "chunk at 60: store part of 60 bytes: storage unavailable: api error SlowDown: é") ||
			!strings.HasPrefix(failures.seen[1], "commit to file: storage unavailable: api error SlowDown: é") {
			t.Errorf("noted: %q", failures.seen)
		}
		for _, text := range failures.seen {
			if len(text) > 400 || !utf8.ValidString(text) {
				t.Errorf("%d bytes: %q", len(text), text)
			}
		}
	})
}

// A chunk that came second and a commit to another path than was promised are no
// failure of a store.
func TestClientsFailuresAreNotNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := &noted{}
		l := newLab(func(c *upload.Config) { c.Failures = failures })
		s := l.openPromised(t)
		l.before(uploadtest.OpAdvance, func() error {
			_, err := l.put(s.ID, 10, content(2, 20))
			return err
		})
		var late *upload.OffsetError
		if _, err := l.put(s.ID, 10, content(3, 20)); !errors.As(err, &late) {
			t.Errorf("got %v, want that another was faster", err)
		}
		var invalid *upload.InvalidError
		if _, err := l.commit(s.ID, "elsewhere"); !errors.As(err, &invalid) {
			t.Errorf("got %v, want that another path was promised", err)
		}
		synctest.Wait()
		if len(failures.seen) > 0 {
			t.Errorf("noted: %q", failures.seen)
		}
	})
}

// Bytes that are gone are noted under their own words.
func TestDamageNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := &noted{}
		l := newLab(func(c *upload.Config) { c.Failures = failures })
		s := l.mustPut(t, "", 0, content(1, 60))
		for _, m := range l.objects.OpenMultiparts() {
			if err := l.objects.Abort(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		for _, want := range []error{upload.ErrUnavailable, upload.ErrUnavailable, upload.ErrNotFound} {
			if _, err := l.put(s.ID, 60, content(2, 60)); !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if len(failures.seen) != 3 || !strings.HasPrefix(failures.seen[2], "accepted bytes are gone: ") {
			t.Errorf("noted: %q", failures.seen)
		}
	})
}

// When noting hangs, nobody waits for it, and no more pile up than are allowed.
func TestFailureNotedInPassing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := &noted{block: make(chan struct{})}
		l := newLab(func(c *upload.Config) { c.Failures = failures })
		s := l.mustPut(t, "", 0, content(1, 60))
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpUploadPart {
				return upload.ErrUnavailable
			}
			return nil
		}
		for range 40 {
			if _, err := l.put(s.ID, 60, content(2, 60)); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
			}
		}
		close(failures.block)
		synctest.Wait()
		if len(failures.seen) != 16 {
			t.Errorf("%d failures are noted, want 16", len(failures.seen))
		}
	})
}
