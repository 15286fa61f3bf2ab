package upload

import (
	"context"
	"slices"
	"sync"
)

// slabs is the budget for the buffers of all requests. Whoever holds nothing
// may wait for a slab; whoever holds one never waits for another, but makes do
// with what it has: so the budget cannot deadlock.
//
// It is shared by the dynamic threshold of shared-memory switches (Choudhury
// and Hahne, 1998): how much an owner may hold follows from how much is free.
// One alone gets its share of the budget, several get equal parts of it, and
// some always stays free for an owner that holds nothing yet.
type slabs struct {
	share int // percent of the budget that one owner alone may hold
	total int
	pool  sync.Pool

	mu     sync.Mutex
	free   int
	owners map[string]*holder // that hold slabs or wait for one
}

// holder is an owner's part of the budget.
type holder struct {
	held  int
	queue []chan struct{} // those who wait, in the order they came; closed when granted
}

// usualShare is the share of an owner that is not told another, in percent.
const usualShare = 75

func newSlabs(budget int64, share int) *slabs {
	if share == 0 {
		share = usualShare
	}
	total := int(max(1, budget/slabSize))
	return &slabs{
		share:  share,
		total:  total,
		free:   total,
		owners: make(map[string]*holder),
		pool:   sync.Pool{New: func() any { return new([slabSize]byte) }},
	}
}

// inUse is how many slabs are given out.
func (s *slabs) inUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total - s.free
}

// of is the budget as an owner sees it.
func (s *slabs) of(owner string) allowance { return allowance{slabs: s, owner: owner} }

// allowance is what an owner may take of the budget.
type allowance struct {
	slabs *slabs
	owner string
}

// pool is where slabs lie that nobody holds.
func (a allowance) pool() *sync.Pool { return &a.slabs.pool }

// reserve waits for leave to hold slabSize bytes.
func (a allowance) reserve(ctx context.Context) error {
	s := a.slabs
	s.mu.Lock()
	h := s.holder(a.owner)
	if s.within(h, s.share) { // then nobody of this owner waits
		s.grant(h)
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	h.queue = append(h.queue, turn)
	s.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		a.giveUp(turn)
		return ctx.Err()
	}
}

// short says that reserve would have to wait now.
func (a allowance) short() bool {
	s := a.slabs
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.owners[a.owner]
	if h == nil {
		h = &holder{}
	}
	return !s.within(h, s.share)
}

// giveUp ends a wait, which may have been granted meanwhile.
func (a allowance) giveUp(turn chan struct{}) {
	s := a.slabs
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.owners[a.owner]
	if i := slices.Index(h.queue, turn); i >= 0 {
		h.queue = slices.Delete(h.queue, i, i+1)
		s.forgetIdle(a.owner, h)
		return
	}
	s.giveBack(a.owner, 1)
}

// tryReserve takes leave for up to n slabs, as long as the owner holds fewer
// than are free, and says for how many: one owner alone leaves half of the
// budget to those who hold nothing yet.
func (a allowance) tryReserve(n int) int { return a.tryReserveOf(n, 50) }

// tryReserveOf is tryReserve with another share, in percent, than half.
func (a allowance) tryReserveOf(n, share int) int {
	s := a.slabs
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.holder(a.owner)
	defer s.forgetIdle(a.owner, h)
	for i := range n {
		if !s.within(h, share) {
			return i
		}
		s.grant(h)
	}
	return n
}

// release gives back leave for n slabs.
func (a allowance) release(n int) {
	if n == 0 {
		return
	}
	a.slabs.mu.Lock()
	defer a.slabs.mu.Unlock()
	a.slabs.giveBack(a.owner, n)
}

// within says whether an owner may take one more, if alone it may hold so many
// percent of the budget.
func (s *slabs) within(h *holder, share int) bool {
	return s.free > 0 && h.held*(100-share) < share*s.free
}

func (s *slabs) grant(h *holder) {
	h.held++
	s.free--
}

// giveBack frees slabs, and lets in whom they suffice for: first of all who
// waits for the owner that holds least.
func (s *slabs) giveBack(owner string, n int) {
	h := s.owners[owner]
	h.held -= n
	s.free += n
	s.forgetIdle(owner, h)
	for {
		var next *holder
		for _, h := range s.owners {
			if len(h.queue) > 0 && (next == nil || h.held < next.held) {
				next = h
			}
		}
		if next == nil || !s.within(next, s.share) { // nor is any that holds more
			return
		}
		s.grant(next)
		close(next.queue[0])
		next.queue = next.queue[1:]
	}
}

func (s *slabs) holder(owner string) *holder {
	h, ok := s.owners[owner]
	if !ok {
		h = &holder{}
		s.owners[owner] = h
	}
	return h
}

// forgetIdle keeps the owners to those that hold something or wait.
func (s *slabs) forgetIdle(owner string, h *holder) {
	if h.held == 0 && len(h.queue) == 0 {
		delete(s.owners, owner)
	}
}
