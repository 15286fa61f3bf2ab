package main

import (
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/bench/report"
)

// plan is how much one run of the benchmark does.
type plan struct {
	mode   string
	time   time.Duration // for all groups; a slow machine runs fewer rounds, but each group once
	groups []group
	counts []counting
	slow   slowPlan
	long   longPlan
	idle   idlePlan
	staged stagedPlan
}

// group is a load that several systems are put under in turns.
type group struct {
	chunk   int64
	clients int
	chunks  int // of each client
	rounds  int
	systems []system
}

// system is one way to the store.
type system struct {
	name     string
	noLength bool
	noHint   bool
	unsummed bool
	parallel int // parts of one chunk at once; direct and nginx: connections of one client
}

// The three that are compared, and variants of the third.
var (
	direct   = system{name: report.Direct}
	nginx    = system{name: report.Nginx}
	gate     = system{name: report.Gate}
	noLength = system{name: report.Gate, noLength: true}
	noHint   = system{name: report.Gate, noHint: true}
	noSum    = system{name: report.Gate, unsummed: true}

	parallelDirect = system{name: report.Direct, parallel: report.Parallel}
	parallelNginx  = system{name: report.Nginx, parallel: report.Parallel}
	parallelGate   = system{name: report.Gate, parallel: report.Parallel}
)

var (
	three    = []system{direct, nginx, gate}
	four     = []system{direct, nginx, gate, noSum}
	five     = []system{direct, nginx, gate, noLength, noHint}
	all      = []system{direct, nginx, gate, noSum, noLength, noHint}
	parallel = []system{parallelDirect, parallelNginx, parallelGate}
)

const (
	kib = report.KiB
	mib = report.MiB
	gib = report.GiB
)

// share of the time that groups up to the i-th may have used in the end.
func (p plan) share(i int) time.Duration {
	var all, due int64
	for n, g := range p.groups {
		bytes := g.chunk * int64(g.chunks*g.clients*g.rounds*len(g.systems))
		if all += bytes; n <= i {
			due += bytes
		}
	}
	return time.Duration(float64(p.time) * float64(due) / float64(all))
}

// full answers everything, in some ten minutes on two cores. What says nothing
// new is left out: 32 clients with chunks of 1 and 150 MiB, and most variants in
// other groups than those of 4 clients.
var full = plan{
	mode: "full",
	time: 9 * time.Minute,
	groups: []group{
		{1 * mib, 4, 128, 5, three},
		{4 * mib, 4, 32, 5, five},
		{8 * mib, 4, 16, 5, all},
		{32 * mib, 4, 4, 5, slices.Concat(four, []system{noLength})},
		{150 * mib, 4, 1, 5, four},
		{1 * mib, 1, 128, 3, three},
		{4 * mib, 1, 64, 5, three},
		{8 * mib, 1, 32, 5, three},
		{32 * mib, 1, 10, 5, slices.Concat(parallel, four)},
		{150 * mib, 1, 2, 3, three},
		{4 * mib, 32, 4, 3, three},
		{8 * mib, 32, 2, 3, three},
		{32 * mib, 32, 1, 3, three},
	},
	counts: countings,
	slow:   slowPlan{uploads: 1000, chunk: 2 * mib, chunks: 3, rate: 128 * kib, stagger: 16 * time.Second},
	long:   longPlan{chunk: 256 * kib, late: 5000, block: 20, blocks: 80},
	idle:   idlePlan{uploads: 10_000, warm: 2000, tail: 1 * kib, window: 5 * time.Second},
	staged: stagedPlan{bytes: 1 * gib, rounds: 3},
}

// quick answers every goal, with fewer rounds.
var quick = plan{
	mode: "quick",
	time: 3 * time.Minute,
	groups: []group{
		{4 * mib, 4, 32, 3, three},
		{8 * mib, 4, 16, 3, four},
		{32 * mib, 4, 4, 3, four},
		{150 * mib, 4, 1, 2, four},
		{32 * mib, 1, 12, 3, slices.Concat(parallel, four)},
	},
	counts: countings,
	slow:   slowPlan{uploads: 1000, chunk: 2 * mib, chunks: 1, rate: 128 * kib, stagger: 2 * time.Second},
	long:   longPlan{chunk: 256 * kib, late: 5000, block: 20, blocks: 40},
	idle:   idlePlan{uploads: 10_000, warm: 1000, tail: 1 * kib, window: 2 * time.Second},
	staged: stagedPlan{bytes: 1 * gib, rounds: 1},
}

// smoke does everything once and small: the benchmark's own test.
var smoke = plan{
	mode: "smoke",
	time: time.Hour,
	groups: []group{
		{1 * mib, 2, 2, 1, five},
		{8 * mib, 2, 2, 2, all},
		{32 * mib, 1, 1, 1, parallel},
	},
	counts: []counting{{1 * mib, 8, false, true}, {4 * mib, 6, true, true}, {8 * mib, 3, true, false}},
	slow:   slowPlan{uploads: 20, chunk: 256 * kib, chunks: 1, rate: 128 * kib, stagger: time.Second / 4},
	long:   longPlan{chunk: 256 * kib, late: 120, block: 20, blocks: 2},
	idle:   idlePlan{uploads: 100, warm: 20, tail: 1 * kib, window: time.Second / 2},
	staged: stagedPlan{bytes: 32 * mib, rounds: 1},
}
