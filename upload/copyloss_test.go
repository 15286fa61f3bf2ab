package upload_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// repeatCommit commits as a client does that repeats for as long as it is told
// to, and answers the last error.
func (l *lab) repeatCommit(id string, keys ...string) (err error) {
	for range 10 {
		if _, err = l.commit(id, keys...); err == nil || !errors.Is(err, upload.ErrUnavailable) {
			return err
		}
		time.Sleep(2 * time.Minute)
	}
	return err
}

// The staged object goes while it is copied, by a lifecycle rule, say. The
// client is told in the end that the upload is lost, and does not repeat its
// commit until the upload expires.
func TestStagedObjectGoneDuringCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.mustPut(t, "", 0, content(1, 100))
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpCopyPart {
				_ = l.objects.Delete(t.Context(), upload.StagingKey(staging, s.ID))
			}
			return nil
		}
		if err := l.repeatCommit(s.ID, "file"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("got %v, want %v", err, upload.ErrNotFound)
		}
		l.wantOnly(t)
	})
}

// Somebody else ends the copy: a sweeper that took the runner for dead, or the
// bucket's own cleaning. The staged object is there, so nothing is lost, and
// the repeated commit copies it.
func TestCopyEndedByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, op := range []string{uploadtest.OpCopyPart, uploadtest.OpComplete} {
			l := newLab()
			s := l.mustPut(t, "", 0, content(1, 100))
			once := true
			l.objects.Fault = func(now, key string) error {
				if now == op && key == "file" && once {
					once = false
					for _, m := range l.objects.OpenMultiparts() {
						_ = l.objects.Abort(t.Context(), m)
					}
				}
				return nil
			}
			if _, err := l.commit(s.ID, "file"); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("%s: got %v, want %v", op, err, upload.ErrUnavailable)
			}
			l.mustCommit(t, s.ID, "file")
			l.wantObject(t, "file", content(1, 100))
			l.wantOnly(t, "file")
		}
	})
}
