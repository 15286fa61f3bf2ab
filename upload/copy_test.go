package upload_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// TestCopyNotAborted: a copy is too late, and the store does not answer when it
// is given up. It stays in the record until somebody could end it.
func TestCopyNotAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.mustPut(t, "", 0, content(1, 100))
		l.objects.Fault = func(op, key string) error {
			switch {
			case op == uploadtest.OpComplete && key == "file": // another client is faster
				l.objects.Fault = func(op, _ string) error {
					if op == uploadtest.OpAbort {
						return upload.ErrUnavailable
					}
					return nil
				}
				l.mustCommit(t, l.mustPut(t, "", 0, content(2, 20)).ID, "file")
			}
			return nil
		}
		if _, err := l.commitIf(s.ID, absent, "file"); !errors.Is(err, upload.ErrUnavailable) {
			t.Fatalf("commit with a copy that cannot be given up: %v, want ErrUnavailable", err)
		}
		l.objects.Fault = nil
		if _, err := l.commitIf(s.ID, absent, "file"); !errors.Is(err, upload.ErrConflict) {
			t.Fatalf("commit again: %v, want ErrConflict", err)
		}
		l.mustCommit(t, s.ID, "elsewhere")
		if open := l.objects.OpenMultiparts(); len(open) > 0 {
			t.Errorf("multipart uploads are left: %v", open)
		}
		l.wantObject(t, "file", content(2, 20))
	})
}
