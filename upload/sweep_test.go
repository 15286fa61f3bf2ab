package upload_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// objectCalls counts every call to the object store.
func (l *lab) objectCalls() (n int) {
	for _, op := range []string{
		uploadtest.OpCreateMultipart, uploadtest.OpUploadPart, uploadtest.OpCopyPart, uploadtest.OpComplete,
		uploadtest.OpAbort, uploadtest.OpMultiparts, uploadtest.OpPut, uploadtest.OpGetObject, uploadtest.OpHead,
		uploadtest.OpFind, uploadtest.OpDelete, uploadtest.OpList, uploadtest.OpStaged,
	} {
		n += l.objects.Calls(op)
	}
	return n
}

// expire lets all uploads expire and be swept, and what nobody knows of, too: the
// search for orphans gives it to the next sweep.
func (l *lab) expire(tb testing.TB) {
	tb.Helper()
	time.Sleep(ttl + 26*time.Hour)
	for range 2 {
		if _, err := l.Sweep(tb.Context()); err != nil {
			tb.Errorf("sweep: %v", err)
		}
		if _, err := l.Orphans(tb.Context()); err != nil {
			tb.Errorf("find orphans: %v", err)
		}
	}
}

// A commit that has removed what it left costs the sweeper two calls to the
// session store and none to the object store, in whatever way it was made. One
// sweep frees all that is due.
func TestSweepCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		const each = 150
		for range each {
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 10)).ID, "single")
			l.mustCommit(t, l.mustPut(t, "", 0, content(1, 90)).ID, "copied")
			l.mustCommit(t, l.mustPromise(t, content(1, 90)), "file")
		}
		time.Sleep(ttl + 2*time.Hour)
		before := l.objectCalls()
		l.mustSweep(t, 3*each)
		if n := l.objectCalls() - before; n != 0 {
			t.Errorf("%d calls to the object store", n)
		}
		if buried, forgotten := l.sessions.Calls(uploadtest.OpBury), l.sessions.Calls(uploadtest.OpForget); buried != 3*each || forgotten != 3*each {
			t.Errorf("%d are buried and %d forgotten, want %d", buried, forgotten, 3*each)
		}
		if ids := l.sessions.IDs(); len(ids) > 0 {
			t.Errorf("%d records are left", len(ids))
		}
		l.wantOnly(t, "copied", "file", "single")
	})
}

// What a commit could not remove is the sweeper's.
func TestSweepUntidied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		id := l.mustPut(t, "", 0, content(1, 90)).ID
		l.objects.Fault = func(op, _ string) error {
			if op == uploadtest.OpDelete {
				return upload.ErrUnavailable
			}
			return nil
		}
		l.mustCommit(t, id, "file")
		l.objects.Fault = nil
		time.Sleep(ttl + 2*time.Hour)
		l.mustSweep(t, 1)
		l.wantOnly(t, "file")
	})
}

// A sweep of many uploads that are open works on a bounded number at once, and
// one that frees nothing ends.
func TestSweepBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		for range 250 {
			l.mustPut(t, "", 0, content(1, 90))
		}
		time.Sleep(ttl + 2*time.Hour)
		l.objects.Fault = func(string, string) error { return upload.ErrUnavailable }
		if n, err := l.Sweep(t.Context()); n != 0 || !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("swept %d, %v, want none, %v", n, err, upload.ErrUnavailable)
		}
		if n := l.sessions.Calls(uploadtest.OpDue); n != 1 {
			t.Errorf("%d batches are claimed of a store that does not answer", n)
		}
		time.Sleep(11 * time.Minute)
		var mu sync.Mutex
		now, most := 0, 0
		l.objects.Fault = func(op, _ string) error {
			if op != uploadtest.OpList {
				return nil
			}
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return nil
		}
		l.mustSweep(t, 250)
		if most > 8 {
			t.Errorf("%d are cleaned up at once", most)
		}
		l.wantOnly(t)
	})
}
