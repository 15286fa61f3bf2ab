package meter

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{3, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		if got := Median(test.values); got != test.want {
			t.Errorf("median of %v is %v, want %v", test.values, got, test.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[99-i] = float64(i + 1) // in descending order: it sorts
	}
	for _, test := range []struct {
		values []float64
		p      float64
		want   float64
	}{
		{nil, 50, 0},
		{hundred, 0, 1},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.1, 100},
		{hundred, 100, 100},
		{[]float64{1, 2, 3}, 50, 2},
		{[]float64{1, 2, 3}, 99, 3},
	} {
		if got := Percentile(test.values, test.p); got != test.want {
			t.Errorf("percentile %v of %d values is %v, want %v", test.p, len(test.values), got, test.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the values were sorted in place")
	}
}

// Ratios pairs rounds: the median of ratios is not the ratio of medians.
func TestRatios(t *testing.T) {
	got := Ratios([]float64{10, 20, 90}, []float64{10, 10, 30})
	if diff := cmp.Diff(Spread{Median: 2, Min: 1, Max: 3}, got); diff != "" {
		t.Errorf("ratios (-want +got):\n%s", diff)
	}
	got = Ratios([]float64{1, 2, 3}, []float64{0, 2})
	if diff := cmp.Diff(Spread{Median: 1, Min: 1, Max: 1}, got); diff != "" {
		t.Errorf("a divisor of 0 and one without a partner (-want +got):\n%s", diff)
	}
	if got := Ratios([]float64{1}, []float64{0}); math.IsNaN(got.Median) || got != (Spread{}) {
		t.Errorf("nothing to divide by: %v", got)
	}
}
