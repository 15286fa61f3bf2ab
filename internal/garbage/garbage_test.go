package garbage

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestShare(t *testing.T) {
	for _, test := range []struct {
		room, scanned int64
		want          int
	}{
		{8 << 20, 0, most}, {8 << 20, 4 << 20, most}, {8 << 20, 32 << 20, 25}, {8 << 20, 1 << 40, least},
	} {
		if got := share(test.room, test.scanned); got != test.want {
			t.Errorf("room for %d of %d bytes: got %d %%, want %d", test.room, test.scanned, got, test.want)
		}
	}
}

// The share follows what lives, from one collection to the next, and is Go's
// own again in the end.
func TestBound(t *testing.T) {
	own := debug.SetGCPercent(77)
	defer debug.SetGCPercent(own)
	now := func() int {
		p := debug.SetGCPercent(-1)
		debug.SetGCPercent(p)
		return p
	}
	until := func(ok func(int) bool) {
		t.Helper()
		for range 1000 {
			runtime.GC()
			runtime.Gosched() // finalizers run beside
			if ok(now()) {
				return
			}
		}
		t.Errorf("the share stays at %d %%", now())
	}
	stop := Bound(8 << 20)
	heap := make([]byte, 64<<20)
	until(func(p int) bool { return p < 14 })
	runtime.KeepAlive(heap)
	until(func(p int) bool { return p > 50 })
	stop()
	until(func(p int) bool { return p == 77 })
}
