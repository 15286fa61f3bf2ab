package report

import (
	"fmt"

	"github.com/chunkgate/chunkgate/bench/meter"
)

// Goal is what a figure should be, and what it is.
type Goal struct {
	What    string
	Want    float64
	AtLeast bool // else at most
	Unit    unit
	Got     meter.Spread
	Known   bool // it was measured
}

// Reached says whether it is; the median decides.
func (g Goal) Reached() bool {
	if g.AtLeast {
		return g.Got.Median >= g.Want
	}
	return g.Got.Median <= g.Want
}

// Verdict in words.
func (g Goal) Verdict() string {
	switch {
	case !g.Known:
		return "not measured"
	case g.Reached():
		return "reached"
	}
	return "not reached"
}

// Goals of the project (issue "as cheap as a plain reverse proxy"). Ratios are
// of rounds that ran side by side.
func (r *Result) Goals() []Goal {
	var goals []Goal
	for _, c := range []struct{ chunk, want float64 }{{4, 1.5}, {8, 1}, {32, 1}, {150, 1}} {
		got, known := r.CPUByNginx(int64(c.chunk)*MiB, 4)
		goals = append(goals, Goal{
			What: fmt.Sprintf("CPU per GiB by nginx's, %g MiB chunks", c.chunk),
			Want: c.want, Unit: times, Got: got, Known: known,
		})
	}
	for _, c := range []struct{ chunk, want float64 }{{4, 0.75}, {8, 0.85}} {
		got, known := r.SpeedByDirect(Kind{System: Gate, Chunk: int64(c.chunk) * MiB, Clients: 4, Length: true, Hint: true})
		goals = append(goals, Goal{
			What: fmt.Sprintf("throughput of 4 clients by direct, %g MiB chunks", c.chunk),
			Want: c.want, AtLeast: true, Unit: times, Got: got, Known: known,
		})
	}
	goals = append(goals, r.aloneGoals()...)
	goals = append(goals, r.countGoals()...)
	goals = append(goals, r.scaleGoals()...)
	return append(goals, Goal{
		What: fmt.Sprintf("commit of %s without path hint by its upload's time", byteCount.say(float64(r.Staged.Bytes))),
		Want: 0.5, Unit: times, Got: r.Staged.Ratio(), Known: len(r.Staged.Commit) > 0,
	})
}

// Parallel is how many parts of one chunk are under way at once, where that is
// compared. Chunkgate makes three of 32 MiB: its parts have 10 MiB at least.
const Parallel = 3

// aloneGoals are those of one client.
func (r *Result) aloneGoals() []Goal {
	alone := Kind{System: Gate, Chunk: 32 * MiB, Clients: 1, Length: true, Hint: true}
	one, knowOne := r.SpeedByDirect(alone)
	alone.Parallel = Parallel
	more, knowMore := r.SpeedByDirect(alone)
	return []Goal{
		{What: "throughput of one client by direct, 32 MiB chunks", Want: 0.9, AtLeast: true, Unit: times, Got: one, Known: knowOne},
		{What: fmt.Sprintf("the same, %d parts of a chunk at once on both sides", Parallel), Want: 1, AtLeast: true, Unit: times, Got: more, Known: knowMore},
	}
}

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

// scaleGoals are those about many uploads and long ones. An idle upload should
// cost the proxy nothing: half a percent of a core and half a KiB are what a
// heap and the ticks of /proc cannot tell from nothing.
func (r *Result) scaleGoals() []Goal {
	once := func(v float64) meter.Spread { return meter.Of([]float64{v}) }
	idle := fmt.Sprintf("%d idle uploads: ", r.Idle.Uploads)
	knowIdle := r.Idle.Uploads > 0
	return []Goal{
		{What: fmt.Sprintf("memory at %d slow uploads", r.Slow.Uploads), Want: 128 * MiB, Unit: byteCount, Got: once(float64(r.Slow.Peak)), Known: r.Slow.Uploads > 0},
		{What: fmt.Sprintf("time of chunk %d by chunk 1's", r.Long.Late), Want: 1.05, Unit: times, Got: r.Long.Time(), Known: len(r.Long.Blocks) > 0},
		{What: fmt.Sprintf("CPU of chunk %d by chunk 1's", r.Long.Late), Want: 1.05, Unit: times, Got: once(r.Long.CPU()), Known: len(r.Long.Blocks) > 0},
		{What: idle + "more CPU of the proxy, of a core", Want: 0.005, Unit: percent, Got: once(r.Idle.MoreCPU()), Known: knowIdle},
		{What: idle + "more memory of the proxy, each", Want: 512, Unit: byteCount, Got: once(r.Idle.MoreMemory()), Known: knowIdle},
		{What: idle + "memory of Redis besides tails, each", Want: 4 * KiB, Unit: byteCount, Got: once(r.Idle.PerUpload()), Known: knowIdle},
	}
}

// SpeedByDirect is a cell's throughput by that of the direct one beside it.
func (r *Result) SpeedByDirect(k Kind) (meter.Spread, bool) {
	reference := Kind{System: Direct, Chunk: k.Chunk, Clients: k.Clients, Length: true, Parallel: k.Parallel}
	return r.ratio(k, reference, Round.Throughput, Round.Throughput)
}

// CPUByNginx is what the proxy itself spent, by nginx's.
func (r *Result) CPUByNginx(chunk int64, clients int) (meter.Spread, bool) {
	own := Kind{System: Gate, Chunk: chunk, Clients: clients, Length: true, Hint: true}
	reference := Kind{System: Nginx, Chunk: chunk, Clients: clients, Length: true}
	return r.ratio(own, reference,
		func(r Round) float64 { return r.CPU(Gate) },
		func(r Round) float64 { return r.CPU(Nginx) })
}

// ratio of two cells' figures, round by round.
func (r *Result) ratio(a, b Kind, ofA, ofB func(Round) float64) (meter.Spread, bool) {
	x, ok := r.Cell(a)
	if !ok {
		return meter.Spread{}, false
	}
	y, ok := r.Cell(b)
	if !ok {
		return meter.Spread{}, false
	}
	ratio := meter.Ratios(x.Each(ofA), y.Each(ofB))
	return ratio, ratio != meter.Spread{}
}
