package upload

import (
	"context"
	"fmt"
	"sync"
)

// numbersEach are set aside for each of several parts in flight: one for the
// first try and one for a repeat. A later part has its own numbers by then, and
// the order of numbers is the order of bytes, so there can be no further one.
const numbersEach = 2

// spread cuts one part of have bytes, of which the first tail are the tail, into
// several that can be in flight at once: as many as parallel, more if a share
// of the buffers holds less. A number then still stands for as many bytes as
// the rule of growth wants, those set aside included.
func (l Limits) spread(next int, have, tail int64, parallel int, share int64) []int64 {
	if parallel < 2 || l.EqualPart > 0 {
		return []int64{have}
	}
	size := max(numbersEach*l.minPart(next), tail, min(have/int64(parallel), share))
	n := have / size
	if n < 2 || next+int(n)*numbersEach > l.lastNumber() {
		return []int64{have}
	}
	sizes := make([]int64, n)
	for i := range sizes {
		sizes[i] = have / n
		if int64(i) < have%n {
			sizes[i]++
		}
	}
	return sizes
}

// share is the most that one of the parts in flight should buffer, in bytes:
// together they may take the half of the budget that is for who holds some.
func (e *Engine) share() int64 {
	return e.cfg.BufferMemory / 2 / int64(max(1, e.cfg.PartsParallel))
}

// flight is several parts of one chunk on their way at once. All but one are
// sent from buffers; one is streamed. Nobody in it waits for a buffer: a part
// for which there is none is streamed, too, and is the one.
type flight struct {
	a       *attempt
	m       Multipart
	ctx     context.Context // ends with the first error
	cancel  context.CancelCauseFunc
	seats   chan struct{} // one entry a part that is sent from a buffer
	running sync.WaitGroup
	parts   []Part
}

// partsAtOnce stores the tail and bytes of f as parts of these sizes. The first
// error ends the others, and nothing of them is listed then.
func (a *attempt) partsAtOnce(ctx context.Context, f feed, sizes []int64) error {
	m, err := a.multipart(ctx)
	if err != nil {
		return err
	}
	numbers, err := a.setAside(ctx, len(sizes)*numbersEach)
	if err != nil {
		return err
	}
	t := &flight{a: a, m: m, seats: make(chan struct{}, a.e.cfg.PartsParallel-1), parts: make([]Part, len(sizes))}
	t.ctx, t.cancel = context.WithCancelCause(ctx)
	defer t.cancel(nil)
	tail := a.tail
	for i, size := range sizes {
		t.send(i, &parcel{size: size, tail: tail, numbers: numbers[i*numbersEach:][:numbersEach]}, f)
		tail = nil
	}
	t.running.Wait()
	if t.ctx.Err() != nil {
		return context.Cause(t.ctx)
	}
	a.parts = append(a.parts, t.parts...)
	a.shed, a.tail = append(a.shed, a.tail...), nil
	return nil
}

// setAside takes count numbers, ascending, for good.
func (a *attempt) setAside(ctx context.Context, count int) ([]int, error) {
	var out []int
	for len(out) < count {
		if a.numbers.Count == 0 {
			n, err := a.e.cfg.Sessions.Draw(ctx, a.s.ID, count-len(out))
			if err != nil {
				return nil, fmt.Errorf("draw part numbers: %w", err)
			}
			a.numbers = n
		}
		if a.numbers.First > a.e.cfg.Limits.lastNumber() {
			return nil, ErrTooLarge
		}
		out = append(out, a.numbers.First)
		a.numbers = Numbers{First: a.numbers.First + 1, Count: a.numbers.Count - 1}
	}
	return out, nil
}

// parcel is a part before it is stored.
type parcel struct {
	size    int64 // bytes, the tail's included
	tail    []Fragment
	numbers []int // for its tries
}

// send stores part i: from a buffer and beside the others while there is a seat
// and memory for it, else here and now. The last is always streamed: nothing is
// read after it.
func (t *flight) send(i int, p *parcel, f feed) {
	if t.ctx.Err() != nil {
		return
	}
	b := &buffer{slabs: t.a.e.slabs.of(t.a.s.Owner)}
	if own := p.size - tailSize(p.tail); i < len(t.parts)-1 && t.sit() {
		filled, err := b.fillNow(t.ctx, f, own)
		if err != nil {
			t.cancel(err)
		}
		if filled {
			t.running.Go(func() {
				defer t.stand()
				defer b.free()
				t.store(i, p, b)
			})
			return
		}
		t.stand()
	}
	defer b.free()
	if t.ctx.Err() == nil {
		t.store(i, p, join(b, f))
	}
}

func (t *flight) sit() bool {
	select {
	case t.seats <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t *flight) stand() { <-t.seats }

// store stores part i from f. Its panic, too, ends the others before anybody
// answers.
func (t *flight) store(i int, p *parcel, f feed) {
	err := t.a.e.guard("store part", t.a.s.ID, func() (err error) {
		t.parts[i], err = t.a.upload(t.ctx, t.m, p.size, p.tail, f, p.number, p.more)
		return err
	})
	if err != nil {
		t.cancel(err)
	}
}

func (p *parcel) more() bool { return len(p.numbers) > 0 }

func (p *parcel) number() (int, error) {
	n := p.numbers[0]
	p.numbers = p.numbers[1:]
	return n, nil
}

// joined is a buffer and the feed that filled a part of it.
type joined struct {
	sequel
	filled *buffer
	rest   feed
	begin  int64 // mark of rest
}

func join(b *buffer, f feed) *joined {
	return &joined{sequel: sequel{first: b, then: f}, filled: b, rest: f, begin: f.mark()}
}

func (j *joined) mark() int64 { return 0 }

func (j *joined) rewind(int64) bool {
	j.ended = false
	return j.rest.rewind(j.begin) && j.filled.rewind(0)
}
