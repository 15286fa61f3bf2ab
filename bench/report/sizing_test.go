package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConstants(t *testing.T) {
	got, ok := fixture().constantsOf(4 * MiB)
	if !ok {
		t.Fatal("something is missing")
	}
	want := constants{
		chunk: 4 * MiB, proxy: 1.7999999999999998, redis: 0.6, memory: 100 * MiB / 1000.,
		record: 1000, perPart: 100, tail: 2 * MiB, calls: 0.5, trips: 3,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(constants{})); diff != "" {
		t.Errorf("constants (-want +got):\n%s", diff)
	}
	if _, ok := (&Result{}).constantsOf(4 * MiB); ok {
		t.Error("there are constants of nothing")
	}
}

func TestMeanTail(t *testing.T) {
	for chunk, want := range map[int64]float64{1 * MiB: 2 * MiB, 2 * MiB: 2 * MiB, 4 * MiB: 2 * MiB, 5 * MiB: 0, 8 * MiB: 0} {
		if got := meanTail(chunk); got != want {
			t.Errorf("chunks of %d: got %v, want %v", chunk, got, want)
		}
	}
}

func TestDemand(t *testing.T) {
	c := constants{chunk: 4 * MiB, proxy: 1.2, redis: 0.6, memory: 100 * KiB, record: 1000, tail: 2000, calls: 0.5, trips: 3}
	want := demand{
		traffic:    8192 * 128 * KiB, // 1 GiB
		proxyCores: 2, proxyMemory: 800 * MiB,
		redisCores: 1, redisMemory: 8192 * 3000,
		trips: 256 * 3, calls: 128,
	}
	if diff := cmp.Diff(want, c.of(8192), cmp.AllowUnexported(demand{})); diff != "" {
		t.Errorf("demand (-want +got):\n%s", diff)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
