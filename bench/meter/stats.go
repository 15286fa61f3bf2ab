package meter

import (
	"math"
	"slices"
)

// Spread is what several rounds of one measurement gave.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Of is the spread of values; without any, all of it is NaN-free zero.
func Of(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	return Spread{Median: Median(values), Min: slices.Min(values), Max: slices.Max(values)}
}

// Median is the middle value, or the mean of the two in the middle; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// Percentile is the least value that at least p percent of the values do not
// exceed (nearest rank), with p from 0 to 100; 0 of no values.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Ratios pairs the rounds of two measurements that were taken in turns, so that
// what disturbed one round disturbs both sides of its ratio. A round whose
// divisor is 0 says nothing and is left out.
func Ratios(dividends, divisors []float64) Spread {
	var ratios []float64
	for i := range min(len(dividends), len(divisors)) {
		if divisors[i] != 0 {
			ratios = append(ratios, dividends[i]/divisors[i])
		}
	}
	return Of(ratios)
}
