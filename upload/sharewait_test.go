package upload

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// An owner's second request waits for its first, which holds the only buffer.
// When that is given back, the owner holds nothing and is served nevertheless.
func TestWaitForOneselfEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlabs(slabSize, 0)
		ada := s.of("ada")
		if err := ada.reserve(t.Context()); err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			served <- ada.reserve(ctx)
		}()
		synctest.Wait()
		ada.release(1)
		if err := <-served; err != nil {
			t.Errorf("the second request is never served: %v", err)
		}
		ada.release(1)
		if s.free != 1 || len(s.owners) != 0 {
			t.Errorf("%d of 1 slab is free, %d owners are known", s.free, len(s.owners))
		}
	})
}
