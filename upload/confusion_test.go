package upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// denying is a store that says of every part that there is no such multipart
// upload.
type denying struct {
	upload.Objects
	denies bool
}

func (d *denying) UploadPart(ctx context.Context, m upload.Multipart, n int, size int64, body io.Reader) (upload.Part, error) {
	if d.denies {
		return upload.Part{}, fmt.Errorf("NoSuchUpload: %w", upload.ErrNotExist)
	}
	return d.Objects.UploadPart(ctx, m, n, size, body)
}

// A store denies an upload that it lists, or does not list any: however long that
// lasts, it proves no loss. The client repeats, and goes on when it is over.
func TestDenialIsNoLoss(t *testing.T) {
	for name, listing := range map[string]error{"listed": nil, "no listing": upload.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &denying{}
				l := newLab(func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
				s := l.mustPut(t, "", 0, content(1, 100))
				store.denies = true
				l.objects.Fault = func(op, _ string) error {
					if op == uploadtest.OpMultiparts {
						return listing
					}
					return nil
				}
				for range 10 {
					if _, err := l.put(s.ID, 100, content(2, 80)); !errors.Is(err, upload.ErrUnavailable) {
						t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
					}
					time.Sleep(2 * time.Minute)
				}
				store.denies, l.objects.Fault = false, nil
				l.mustPut(t, s.ID, 100, content(2, 80))
				l.mustCommit(t, s.ID, "file")
				l.wantObject(t, "file", append(content(1, 100), content(2, 80)...))
			})
		})
	}
}

// Something ends every multipart upload that holds nothing yet. No byte is lost
// by that, however often: each repeated chunk opens another.
func TestEmptyMultipartUploadsVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.openPromised(t)
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpUploadPart {
				for _, m := range l.objects.OpenMultiparts() {
					_ = l.objects.Abort(t.Context(), m)
				}
			}
			return nil
		}
		for range 10 {
			if _, err := l.put(s.ID, 10, content(2, 80)); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
			}
			time.Sleep(2 * time.Minute)
		}
		l.objects.Fault = nil
		l.mustPut(t, s.ID, 10, content(2, 80))
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", append(content(1, 10), content(2, 80)...))
		l.wantNoneOpen(t)
	})
}
