package s3backend

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// No more calls run at once than there are stacks, and none is waited for
// longer than the caller wants.
func TestApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := make(stacks, 1)
		end := make(chan struct{})
		go func() { _ = s.apart(t.Context(), func() { <-end }) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.apart(ctx, func() { t.Error("a call too many") }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the end of the wait", err)
		}
		close(end)
		ran := false
		if err := s.apart(t.Context(), func() { ran = true }); err != nil || !ran {
			t.Errorf("ran %v, %v; want it to run when the other has ended", ran, err)
		}
	})
}
