package s3backend

import (
	"context"
	"fmt"
	"runtime/debug"
)

// mostApart is how many calls run apart at once.
const mostApart = 48

// stacks are for calls of the SDK in the middle of a chunk, which need 64 KiB
// each. A goroutine keeps the deepest stack that it ever had while it uses a
// quarter of it: who waits for a slow client afterwards would hold it all the
// while. nil: as many as are wanted.
type stacks chan struct{}

// apart runs f on a stack of its own, once there is one. Its only error is ctx's.
// A panic of f goes on in the caller's goroutine, where somebody recovers from it.
func (s stacks) apart(ctx context.Context, f func()) error {
	if s != nil {
		select {
		case s <- struct{}{}:
			defer func() { <-s }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	done := make(chan struct{})
	var panicked error
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				panicked = fmt.Errorf("%v\n%s", p, debug.Stack())
			}
		}()
		f()
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	return nil
}
