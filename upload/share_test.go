package upload

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
)

// hold takes slabs one by one for as long as there is leave without waiting.
func hold(t *testing.T, a allowance) int {
	t.Helper()
	for n := 0; ; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if a.reserve(ctx) != nil {
			return n
		}
	}
}

// One owner alone gets its share; each further one gets a part of what is left,
// and there is always something left for one more.
func TestShares(t *testing.T) {
	for _, test := range []struct {
		share int
		want  []int // slabs of 1,024, by owner in the order of arrival
	}{
		{0, []int{768, 192, 48, 12, 3, 1, 0}},
		{50, []int{512, 256, 128, 64, 32, 16, 8}},
		{100, []int{1024, 0}},
	} {
		s := newSlabs(1024*slabSize, test.share)
		for i, want := range test.want {
			if got := hold(t, s.of(fmt.Sprint(i))); got != want {
				t.Errorf("share %d: owner %d got %d slabs, want %d", test.share, i, got, want)
			}
		}
	}
}

// Two that are greedy all the time end up with equal parts, and leave as much
// as the share says: 3/7 each and 1/7.
func TestSharesBecomeEqual(t *testing.T) {
	s := newSlabs(700*slabSize, 0)
	held := map[string]int{"first": hold(t, s.of("first"))}
	for range 10_000 { // each gives one back and takes as many as it may
		for _, owner := range []string{"first", "second"} {
			if held[owner] > 0 {
				s.of(owner).release(1)
				held[owner]--
			}
			held[owner] += hold(t, s.of(owner))
		}
	}
	for owner, n := range held {
		if n < 297 || n > 303 {
			t.Errorf("%s holds %d of 700, want about 300", owner, n)
		}
	}
}

// Whoever waits for the owner that holds least comes first, also when it came last.
func TestLeastComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlabs(4*slabSize, 100)
		greedy := s.of("greedy")
		if n := hold(t, greedy); n != 4 {
			t.Fatalf("holds %d slabs, want all 4", n)
		}
		var order []string
		var wg sync.WaitGroup
		wait := func(a allowance) {
			wg.Go(func() {
				if err := a.reserve(t.Context()); err != nil {
					t.Error(err)
				}
				order = append(order, a.owner)
			})
			synctest.Wait()
		}
		wait(greedy)
		wait(greedy)
		wait(s.of("other"))
		for range 3 {
			greedy.release(1)
			synctest.Wait()
		}
		wg.Wait()
		if got := fmt.Sprint(order); got != "[other greedy greedy]" {
			t.Errorf("served in the order %s", got)
		}
	})
}

// An owner who is refused leaves no trace: there may be any number of them.
func TestRefusedOwnersAreForgotten(t *testing.T) {
	s := newSlabs(slabSize, 0)
	if n := s.of("ada").tryReserve(1); n != 1 {
		t.Fatalf("took %d slabs, want the only one", n)
	}
	for n := range 100 {
		if got := s.of(fmt.Sprint(n)).tryReserve(1); got != 0 {
			t.Fatalf("took %d slabs of none", got)
		}
	}
	if len(s.owners) != 1 {
		t.Errorf("%d owners are known, want the one that holds something", len(s.owners))
	}
}

// A wait that is given up leaves the queue and takes nothing, also when its
// turn came at that moment.
func TestWaitGivenUp(t *testing.T) {
	s := newSlabs(slabSize, 0)
	ada, bob := s.of("ada"), s.of("bob")
	for _, late := range []bool{false, true} {
		if n := hold(t, ada); n != 1 {
			t.Fatalf("took %d slabs, want the only one", n)
		}
		turn := make(chan struct{})
		s.holder("bob").queue = append(s.holder("bob").queue, turn)
		if late {
			ada.release(1)
			bob.giveUp(turn)
		} else {
			bob.giveUp(turn)
			ada.release(1)
		}
		if s.free != 1 || len(s.owners) != 0 {
			t.Errorf("late %v: %d of 1 slab is free, %d owners are known", late, s.free, len(s.owners))
		}
	}
}
