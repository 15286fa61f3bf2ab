package upload_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// TestOrphans lets the session store lose everything: what uploads left is
// found by their ids, but only when it is older than any upload can be.
func TestOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) { c.TailInSessions = 0 })
		nothing := l.sessions.Replica()
		for n := range 150 { // each a multipart upload and tail objects
			l.mustPut(t, "", 0, content(uint64(n), 333+n%2*40))
		}
		foreign := staging + "no folder of an upload"
		if _, err := l.objects.Put(t.Context(), foreign, 1, strings.NewReader("x"), upload.Attributes{}, upload.Condition{}); err != nil {
			t.Fatal(err)
		}
		nothing()
		time.Sleep(ttl + 2*time.Hour)
		living := l.mustPut(t, "", 0, content(500, 333))

		if n, err := l.Orphans(t.Context()); n != 0 || err != nil {
			t.Fatalf("found %d, %v, while some may live by another clock", n, err)
		}
		time.Sleep(23 * time.Hour)
		for _, want := range []int{150, 0} {
			if n, err := l.Orphans(t.Context()); n != want || err != nil {
				t.Fatalf("found %d, %v, want %d", n, err, want)
			}
		}
		for n := 1; n > 0; {
			var err error
			if n, err = l.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		l.mustPut(t, living.ID, living.Offset, content(501, 10))
		l.mustCommit(t, living.ID, "living")
		l.wantOnly(t, foreign, "living")
	})
}

// TestOrphansHalfFound adopts what it found before the listing broke off.
func TestOrphansHalfFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		nothing := l.sessions.Replica()
		l.mustPut(t, "", 0, content(1, 333))
		nothing()
		time.Sleep(ttl + 25*time.Hour)
		l.objects.After = func(op, _ string) error {
			if op == "staged" {
				return fmt.Errorf("list: %w", upload.ErrUnavailable)
			}
			return nil
		}
		if n, err := l.Orphans(t.Context()); n != 1 || err == nil {
			t.Errorf("found %d, %v, want 1 and why the rest is unknown", n, err)
		}
	})
}
