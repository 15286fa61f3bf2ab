package upload_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// putIf stores a whole file under a condition: an upload whose id nobody learns.
func (l *lab) putIf(ctx context.Context, c upload.Condition, file []byte) (upload.Object, error) {
	return l.Put(ctx, upload.PutRequest{
		CommitRequest: upload.CommitRequest{
			Owner: owner, Condition: c,
			Key: func(n int) (string, bool) { return "file", n == 0 },
		},
		Length: int64(len(file)), Body: bytes.NewReader(file),
	})
}

// A whole file whose client hangs up, once its bytes are there, appears
// nevertheless. Nobody takes away what it is still being made from.
func TestPutOfClientThatHangsUp(t *testing.T) {
	for _, size := range []int{20, 100} { // a Put, and a copy
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			slow := make(chan struct{})
			l.objects.Fault = func(op, key string) error {
				if key == "file" && (op == uploadtest.OpPut || op == uploadtest.OpComplete) {
					<-slow
				}
				return nil
			}
			ctx, hangUp := context.WithCancel(t.Context())
			answered := make(chan error, 1)
			go func() {
				_, err := l.putIf(ctx, absent, content(1, size))
				answered <- err
			}()
			synctest.Wait()
			hangUp()
			if err := <-answered; !errors.Is(err, upload.ErrBusy) {
				t.Errorf("got %v, want %v", err, upload.ErrBusy)
			}
			if n := l.sessions.Calls(uploadtest.OpBury); n > 0 {
				t.Error("the upload is given up while its commit runs")
			}
			close(slow)
			if err := l.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			l.wantObject(t, "file", content(1, size))
			l.wantOnly(t, "file")
		})
	}
}

// A whole file that cannot be had at its destination is gone at once, with all
// that was stored of it: its client cannot name it, and its owner's quota would
// be taken by it for days.
func TestPutInConflictLeavesNothing(t *testing.T) {
	for _, size := range []int{20, 100, 130} {
		synctest.Test(t, func(t *testing.T) {
			quotas := uploadtest.NewQuotas()
			l := newLab(func(c *upload.Config) { c.Quotas = quotas })
			l.mustCommit(t, l.mustPut(t, "", 0, content(9, 5)).ID, "file")
			known := l.sessions.IDs()
			if _, err := l.putIf(t.Context(), absent, content(1, size)); !errors.Is(err, upload.ErrConflict) {
				t.Errorf("got %v, want %v", err, upload.ErrConflict)
			}
			if ids := l.sessions.IDs(); len(ids) != len(known) || l.sessions.Pieces() > 0 {
				t.Errorf("left in the session store: %q beside %q, and %d pieces", ids, known, l.sessions.Pieces())
			}
			if err := quotas.Claim(t.Context(), owner, "next", 1, time.Hour); err != nil {
				t.Errorf("the next upload: %v", err)
			}
			l.wantObject(t, "file", content(9, 5))
			l.wantOnly(t, "file")
			l.wantNoneOpen(t)
		})
	}
}
