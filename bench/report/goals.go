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

	// Cases, if the spread does not say it, are what the figures are of.
	Cases     []string
	Reference Reference
}

// Reference is what others got in the same run: what MinIO or the cores bound
// looks bad for anybody.
type Reference struct {
	Who   string
	Got   meter.Spread
	Known bool
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
		got, known := r.CPUByNginx(plain4(c.chunk))
		goals = append(goals, Goal{
			What: fmt.Sprintf("CPU per GiB by nginx's, %g MiB chunks", c.chunk),
			Want: c.want, Unit: times, Got: got, Known: known,
		})
	}
	for _, c := range []struct{ chunk, want float64 }{{4, 0.75}, {8, 0.85}} {
		k := plain4(c.chunk)
		got, known := r.SpeedByDirect(k)
		goals = append(goals, Goal{
			What: fmt.Sprintf("throughput of 4 clients by direct, %g MiB chunks", c.chunk),
			Want: c.want, AtLeast: true, Unit: times, Got: got, Known: known, Reference: r.nginxByDirect(k),
		})
	}
	goals = append(goals, r.aloneGoals()...)
	goals = append(goals, r.countGoals()...)
	goals = append(goals, r.scaleGoals()...)
	goals = append(goals, Goal{
		What: fmt.Sprintf("commit of %s without path hint by its upload's time", byteCount.say(float64(r.Staged.Bytes))),
		Want: 0.5, Unit: times, Got: r.Staged.Ratio(), Known: len(r.Staged.Commit) > 0,
		Reference: Reference{Who: "MinIO's copying alone", Got: r.Staged.CopyRatio(), Known: len(r.Staged.Copy) > 0},
	})
	return append(goals, r.unsummedGoals()...)
}

// plain4 is four clients that do all that helps chunkgate.
func plain4(chunk float64) Kind {
	return Kind{System: Gate, Chunk: int64(chunk * MiB), Clients: 4, Length: true, Hint: true}
}

// unsummedGoals compare like with like: nginx computes no checksum either.
func (r *Result) unsummedGoals() []Goal {
	var goals []Goal
	for _, chunk := range []float64{8, 32, 150} {
		k := plain4(chunk)
		k.Unsummed = true
		got, known := r.CPUByNginx(k)
		goals = append(goals, Goal{
			What: fmt.Sprintf("CPU per GiB by nginx's, %g MiB chunks, no checksum as nginx", chunk),
			Want: 1, Unit: times, Got: got, Known: known,
		})
	}
	return goals
}

// Parallel is how many parts of one chunk are under way at once, where that is
// compared. Chunkgate makes three of 32 MiB: its parts have 10 MiB at least.
const Parallel = 3

// aloneGoals are those of one client.
func (r *Result) aloneGoals() []Goal {
	alone := Kind{System: Gate, Chunk: 32 * MiB, Clients: 1, Length: true, Hint: true}
	one, knowOne := r.SpeedByDirect(alone)
	together := alone
	together.Parallel = Parallel
	more, knowMore := r.SpeedByDirect(together)
	return []Goal{
		{What: "throughput of one client by direct, 32 MiB chunks", Want: 0.9, AtLeast: true, Unit: times, Got: one, Known: knowOne, Reference: r.nginxByDirect(alone)},
		{What: fmt.Sprintf("the same, %d parts of a chunk at once on both sides", Parallel), Want: 1, AtLeast: true, Unit: times, Got: more, Known: knowMore, Reference: r.nginxByDirect(together)},
	}
}

// scaleGoals are those about many uploads and long ones. An idle upload should
// cost the proxy nothing: half a percent of a core and half a KiB are what the
// runtime's timers and heap cannot be told from.
func (r *Result) scaleGoals() []Goal {
	once := func(v float64) meter.Spread { return meter.Of([]float64{v}) }
	idle := fmt.Sprintf("%d idle uploads: ", r.Idle.Uploads)
	knowIdle := r.Idle.Uploads > 0
	return []Goal{
		{What: fmt.Sprintf("memory at %d slow uploads", r.Slow.Uploads), Want: 128 * MiB, Unit: byteCount, Got: once(float64(r.Slow.Peak)), Known: r.Slow.Uploads > 0,
			Reference: Reference{Who: "nginx", Got: once(float64(r.Slow.Nginx)), Known: r.Slow.Nginx > 0}},
		{What: fmt.Sprintf("time of chunk %d by chunk 1's", r.Long.Late), Want: 1.05, Unit: times, Got: r.Long.Time(), Known: len(r.Long.Blocks) > 0,
			Reference: Reference{Who: "the same parts straight to MinIO", Got: r.Long.StoreTime(), Known: len(r.Long.Store) > 0}},
		{What: fmt.Sprintf("CPU of chunk %d by chunk 1's", r.Long.Late), Want: 1.05, Unit: times, Got: once(r.Long.CPU()), Known: len(r.Long.Blocks) > 0},
		{What: idle + "more CPU of the proxy, of a core", Want: 0.005, Unit: percent, Got: once(r.Idle.MoreCPU()), Known: knowIdle},
		{What: idle + "more memory of the proxy, each", Want: 512, Unit: byteCount, Got: once(r.Idle.MoreMemory()), Known: knowIdle},
		{What: idle + "memory of Redis besides tails, each", Want: 4 * KiB, Unit: byteCount, Got: once(r.Idle.PerUpload()), Known: knowIdle},
	}
}
