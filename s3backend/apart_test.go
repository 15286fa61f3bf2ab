package s3backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// A panic in the middle of a call must not end the process with every other
// upload in it: the goroutine that waits for the call can recover from it.
func TestApartPanic(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "apart_test.go") {
			t.Errorf("recovered %v, want the panic with its own stack", p)
		}
	}()
	_ = make(stacks, 1).apart(t.Context(), func() { panic("a defect") })
	t.Error("the panic is lost")
}
