package modeltest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// gate stands between one engine and both stores: calls take time, are refused,
// lose their answer or break off in the middle of their body, and after the
// engine's crash nothing gets through. Each call begins at a moment of its own,
// so that under virtual time one goroutine runs at a time and a seed gives the
// same walk again.
type gate struct {
	mu    sync.Mutex
	r     *rand.Rand
	rate  float64 // share of calls that fail
	dead  bool
	fails int
}

// fate is what happens to one call.
type fate int

const (
	passes fate = iota
	refused
	answerLost
	bodyTorn // refused, in a call without a body
)

// draw decides about a call: how long it takes to reach the store, and what
// happens there. One in a hundred is slow, but far from a third of the lease:
// renewing that waits for a lock, which virtual time does not wait for.
func (g *gate) draw() (time.Duration, fate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delay := 1 + time.Duration(g.r.Int64N(int64(2*time.Millisecond)))
	if g.r.IntN(100) == 0 {
		delay *= 2000
	}
	f := passes
	if g.r.Float64() < g.rate {
		f = refused + fate(g.r.IntN(3))
	}
	return delay, f
}

// crash lets nothing through any more, and says how many calls failed till now.
func (g *gate) crash() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = true
	return g.fails
}

// unavailable is the error of a call that failed.
func (g *gate) unavailable(op, why string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fails++
	return fmt.Errorf("%s: %s: %w", op, why, upload.ErrUnavailable)
}

func (g *gate) isDead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead
}

// pass makes a call that has no body.
func (g *gate) pass(ctx context.Context, op string, call func() error) error {
	return g.stream(ctx, op, nil, 0, func(io.Reader) error { return call() })
}

// stream makes a call with a body of size bytes.
func (g *gate) stream(ctx context.Context, op string, body io.Reader, size int64, call func(io.Reader) error) error {
	delay, f := g.draw()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	switch {
	case g.isDead():
		return g.unavailable(op, "after the crash")
	case f == bodyTorn && body != nil:
		_, _ = io.CopyN(io.Discard, body, 1+size/2) // taken, and of no use
		return g.unavailable(op, "torn")
	case f == refused, f == bodyTorn:
		return g.unavailable(op, "refused")
	}
	err := call(body)
	if f == answerLost || g.isDead() {
		return g.unavailable(op, "answer lost")
	}
	return err
}

// fetch makes a call that answers something besides an error.
func fetch[T any](ctx context.Context, g *gate, op string, call func() (T, error)) (T, error) {
	var v T
	err := g.pass(ctx, op, func() (err error) {
		v, err = call()
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}
