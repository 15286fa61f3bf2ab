package upload_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// openPromised opens an upload whose multipart uploads are at its destination,
// where no sweeper looks for them.
func (l *lab) openPromised(t *testing.T) upload.Status {
	t.Helper()
	s, err := l.Append(t.Context(), upload.Chunk{
		Owner: owner, Destination: "file", Length: 10, Body: read(content(1, 10))(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantNoneOpen checks that no multipart upload is left: where uploads are
// counted or listed by the bucket's owner, an empty one is litter, too.
func (l *lab) wantNoneOpen(t *testing.T) {
	t.Helper()
	if open := l.objects.OpenMultiparts(); len(open) > 0 {
		t.Errorf("multipart uploads are left open: %v", open)
	}
}

// A client sends its chunk twice at once, and both open a multipart upload. The
// one that is not listed is ended at once, since nobody will ever find it.
func TestTwoMultipartUploadsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.openPromised(t)
		both := make(chan struct{})
		l.objects.After = func(op, _ string) error {
			if op == uploadtest.OpCreateMultipart {
				<-both
			}
			return nil
		}
		var clients sync.WaitGroup
		for range 2 {
			clients.Go(func() {
				_, err := l.put(s.ID, 10, content(2, 80))
				var late *upload.OffsetError
				if err != nil && !errors.As(err, &late) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(both)
		clients.Wait()
		if open := l.objects.OpenMultiparts(); len(open) != 1 {
			t.Errorf("%d multipart uploads are open, want the one that counts", len(open))
		}
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", append(content(1, 10), content(2, 80)...))
		l.wantNoneOpen(t)
	})
}

// An upload is discarded while a chunk of it opens the multipart upload.
func TestMultipartUploadOfWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		s := l.openPromised(t)
		l.objects.After = func(op, _ string) error {
			if op != uploadtest.OpCreateMultipart {
				return nil
			}
			return l.Discard(t.Context(), owner, s.ID)
		}
		if _, err := l.put(s.ID, 10, content(2, 80)); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("got %v, want %v", err, upload.ErrNotFound)
		}
		l.wantNoneOpen(t)
	})
}
