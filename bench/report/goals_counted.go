package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chunkgate/chunkgate/bench/meter"
)

// countGoals are those that were counted and not timed.
func (r *Result) countGoals() []Goal {
	requests := Goal{What: "S3 requests per 4 MiB chunk", Want: 0.5, Unit: plain}
	trips := Goal{What: "Redis round trips per 4 MiB chunk", Want: 3, Unit: plain}
	filled := Goal{What: "S3 requests of a commit with path hint, no tail left", Want: 1, Unit: plain}
	left := Goal{What: "S3 requests of a commit with path hint, a tail left", Want: 1, Unit: plain}
	for _, c := range r.Counts {
		// Of two chunks one makes a part: an odd number of them is no steady state.
		if c.Chunk == 4*MiB && c.Hint && c.Length && c.Steady > 0 && c.Steady%2 == 0 {
			requests.worst(float64(Requests(c.Chunked)) / float64(c.Steady))
			trips.worst(float64(c.Trips) / float64(c.Steady))
		}
		if c.Hint && c.Tail() {
			left.worst(float64(Requests(c.Commit)))
		}
		if c.Hint && !c.Tail() {
			filled.worst(float64(Requests(c.Commit)))
		}
	}
	left.Cases = r.tails()
	return []Goal{requests, trips, filled, left}
}

// worst takes a figure into account, of which the largest counts.
func (g *Goal) worst(value float64) {
	if !g.Known {
		g.Got, g.Known = meter.Spread{Median: value, Min: value, Max: value}, true
	}
	g.Got.Min, g.Got.Max = min(g.Got.Min, value), max(g.Got.Max, value)
	g.Got.Median = g.Got.Max
}

// tails says what commits with path hint took where a tail was left, and of
// which files: the costliest first.
func (r *Result) tails() []string {
	type commit struct {
		requests int
		calls    string
	}
	files := map[commit][]string{}
	for _, c := range r.Counts {
		if c.Hint && c.Tail() {
			took := commit{Requests(c.Commit), calls(c.Commit)}
			files[took] = append(files[took], fmt.Sprintf("%d × %s", c.Chunks, megs(c.Chunk)))
		}
	}
	costliest := func(a, b commit) int { return cmp.Or(b.requests-a.requests, strings.Compare(a.calls, b.calls)) }
	var cases []string
	for _, took := range slices.SortedFunc(maps.Keys(files), costliest) {
		cases = append(cases, fmt.Sprintf("%s, of %s", took.calls, strings.Join(files[took], ", ")))
	}
	return cases
}
