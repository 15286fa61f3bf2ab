// Package garbage bounds what Go lets become garbage before it collects. Go
// does so by a share of what lives, stacks included (GOGC): a server with a
// thousand waiting requests then holds twice what it needs, though it makes no
// more garbage than with ten. A memory limit (GOMEMLIMIT) would not do: when
// what lives comes near it, Go collects all the time.
package garbage

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The share stays within these, in percent: with less, a large heap would be
// marked again and again for little; more than Go's own is no use.
const (
	least = 8
	most  = 100
)

// Bound makes room the most that becomes garbage, in bytes, from now on and as
// long as Go's own share is not less. It is renewed after each collection,
// until stop is called, which brings Go's own share back.
func Bound(room int64) (stop func()) {
	done := make(chan struct{})
	percent := debug.SetGCPercent(most)
	own := percent
	debug.SetGCPercent(own)
	renew := func() bool {
		select {
		case <-done:
			debug.SetGCPercent(own)
			return false
		default:
		}
		// It stops the world, so small changes are left.
		if p := share(room, scanned()); p != percent && (p == most || p == least || 10*abs(p-percent) > percent) {
			percent = p
			debug.SetGCPercent(p)
		}
		return true
	}
	afterEach(renew)
	return func() { close(done) }
}

// afterEach calls f after each collection, until it says false.
func afterEach(f func() bool) {
	var again func(*cycle)
	again = func(*cycle) {
		if f() {
			runtime.SetFinalizer(new(cycle), again)
		}
	}
	again(nil)
}

// cycle is an object that nobody holds, so that the next collection finds it. A
// smaller one might share its memory with one that lives.
type cycle [64]byte

// share is the percentage by which room bytes can be added to what a collection
// looks at, of so many bytes.
func share(room, scanned int64) int {
	return int(max(least, min(most, 100*room/max(1, scanned))))
}

// scanned is what GOGC is a share of, in bytes: the heap that lived at the last
// collection, stacks and global variables.
func scanned() int64 {
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}
	metrics.Read(samples)
	var sum int64
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += int64(s.Value.Uint64())
		}
	}
	return sum
}

func abs(n int) int { return max(n, -n) }
