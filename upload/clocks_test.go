package upload_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// TestClocksApart runs replicas whose clocks are days and a minute off: none of
// them sweeps an upload that lives, sees an orphan in it, counts it out of a
// quota, or takes over a commit that runs.
func TestClocksApart(t *testing.T) {
	for _, off := range []time.Duration{50 * time.Hour, 1000 * time.Hour, time.Minute, -50 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			quotas := uploadtest.NewQuotas()
			l := newLab(func(c *upload.Config) { c.Quotas = quotas })
			wrong := *l
			cfg := l.cfg
			cfg.Now = func() time.Time { return time.Now().Add(off) }
			wrong.Engine = upload.New(cfg)

			chunk := content(1, 130)
			s := l.mustPut(t, "", 0, chunk)
			if _, err := wrong.open(t, 1); !errors.Is(err, upload.ErrQuota) {
				t.Errorf("%v off: a second upload: got %v, want %v", off, err, upload.ErrQuota)
			}
			for range 2 {
				if n, err := wrong.Orphans(t.Context()); n != 0 || err != nil {
					t.Errorf("%v off: found %d orphans, %v", off, n, err)
				}
				if n, err := wrong.Sweep(t.Context()); n != 0 || err != nil {
					t.Errorf("%v off: swept %d uploads, %v", off, n, err)
				}
			}

			hold := make(chan struct{})
			copies := 0
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpCopyPart {
					copies++
					<-hold
				}
				return nil
			}
			done := make(chan error, 2)
			go func() { _, err := l.commit(s.ID, "file"); done <- err }()
			synctest.Wait()
			go func() { _, err := wrong.commit(s.ID, "file"); done <- err }()
			time.Sleep(5 * time.Second) // the second looks many times whether the first is done
			close(hold)
			for range 2 {
				if err := <-done; err != nil {
					t.Errorf("%v off: commit: %v", off, err)
				}
			}
			if copies != 1 {
				t.Errorf("%v off: the object was copied %d times", off, copies)
			}
			l.wantObject(t, "file", chunk)
		})
	}
}
