package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/bench/meter"
	"github.com/chunkgate/chunkgate/bench/report"
)

// TestSmoke runs all of the benchmark once, small, on the real servers. What it
// measures must be there and plausible; how fast anything was is not looked at.
func TestSmoke(t *testing.T) {
	r, err := measure(t.Context(), t, smoke, "", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range smoke.groups {
		checkCells(t, r, g)
	}
	checkCounts(t, r.Counts)

	s := r.Slow
	plausible(t, "slow uploads", s.Uploads == 20 && s.Refused == 0 && s.Seconds >= 2 && s.Before > 5*mib && s.Peak >= s.Before && s.Peak < gib && s.Redis > 20*256*kib && s.Nginx > 3*mib && s.Nginx < gib, s)
	l := r.Long
	plausible(t, "long upload", len(l.Blocks) == smoke.long.blocks && len(l.Store) == smoke.long.blocks && l.Parts > 5 && l.Record > 500 && l.Record < 100*kib && l.Time().Median > 0 && l.StoreTime().Median > 0, l)
	i := r.Idle
	plausible(t, "idle uploads", i.Uploads == 100 && i.RSSBefore > 5*mib && i.RSSAfter > 5*mib && i.FDBefore > 3 && i.FDAfter > 3 && i.Redis > 0, i)
	plausible(t, "staged commit", len(r.Staged.Upload) == 1 && r.Staged.Ratio().Median > 0 && len(r.Staged.Copy) == 1 && r.Staged.CopyRatio().Median > 0, r.Staged)
	m := r.Machine
	plausible(t, "machine", m.Cores > 0 && m.CPU != "" && m.Memory > gib && m.Kernel != "" && strings.HasPrefix(m.Go, "go") &&
		m.MinIO != "" && m.Data != "" && m.Redis != "" && strings.HasPrefix(m.Nginx, "nginx/"), m)
	plausible(t, "run", r.Mode == "smoke" && r.Revision != "" && r.Seconds > 1 && !r.Began.IsZero(), r.Mode)
	if err := r.Write(t.Output()); err != nil {
		t.Error(err)
	}
}

func plausible(t *testing.T, what string, is bool, figures any) {
	t.Helper()
	if !is {
		t.Errorf("%s: implausible: %+v", what, figures)
	}
}

func checkCells(t *testing.T, r *report.Result, g group) {
	t.Helper()
	for _, sys := range g.systems {
		k := sys.cell(g).Kind()
		c, ok := r.Cell(k)
		if !ok || len(c.Rounds) != g.rounds {
			t.Errorf("%+v: %d rounds, want %d", k, len(c.Rounds), g.rounds)
			continue
		}
		plausible(t, fmt.Sprint(k), c.P50 > 0 && c.P99 >= c.P50 && c.Throughput().Median > 100*kib, c)
		// Of parts of less than 5 MiB the store makes no object.
		if want := sys.name == report.Gate || g.chunk >= 5*mib; (c.Verified == 1) != want {
			t.Errorf("%+v: %d objects verified", k, c.Verified)
		}
		for _, round := range c.Rounds {
			if round.Bytes != g.chunk*int64(g.chunks*g.clients) || round.Commit <= 0 {
				t.Errorf("%+v: %d bytes, commit %v s", k, round.Bytes, round.Commit)
			}
			for _, name := range []string{report.Generator, report.MinIO, report.Redis, report.Nginx, report.Gate} {
				use := round.Use[name]
				plausible(t, fmt.Sprint(k, name), use.CPU >= 0 && use.CPU < 60 && use.Peak > mib, use)
			}
		}
	}
}

// checkCounts: what counts as cost is exact, whatever the machine does.
func checkCounts(t *testing.T, counts []report.Count) {
	t.Helper()
	if len(counts) != len(smoke.counts) {
		t.Fatalf("%d counts, want %d", len(counts), len(smoke.counts))
	}
	small, usual, unknown := counts[0], counts[1], counts[2]
	if diff := cmp.Diff(map[string]int{"UploadPart": 2}, usual.Chunked); diff != "" {
		t.Errorf("S3 requests of four chunks of 4 MiB (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"CompleteMultipartUpload": 1}, usual.Commit); diff != "" {
		t.Errorf("S3 requests of a commit with path hint (-want +got):\n%s", diff)
	}
	if usual.Trips != 12 || usual.Commands < usual.Trips {
		t.Errorf("four chunks of 4 MiB: %d Redis round trips with %d commands, want 12 trips", usual.Trips, usual.Commands)
	}
	if small.Commit["UploadPartCopy"] == 0 || !small.Tail() {
		t.Errorf("a commit without hint: %v, want a copy and a last part", small.Commit)
	}
	if unknown.Opening["UploadPart"] == 0 {
		t.Errorf("chunks of unknown length: %v, want parts", unknown.Opening)
	}
	for _, c := range counts {
		if a := c.Amplification(); a < 1 || a > 1.01 {
			t.Errorf("chunks of %d bytes: %.4f bytes went to S3 a byte received", c.Chunk, a)
		}
	}
}

// TestPlans: what the plans promise to each other.
func TestPlans(t *testing.T) {
	for _, p := range []plan{full, quick, smoke} {
		if p.long.block%p.long.cycle() != 0 {
			t.Errorf("%s: a block of %d chunks is no whole number of parts", p.mode, p.long.block)
		}
		if p.long.before() <= p.long.cycle()+2*p.long.block {
			t.Errorf("%s: late chunks begin among the early ones", p.mode)
		}
		if p.staged.bytes%stagedChunk != 0 {
			t.Errorf("%s: the staged file ends within a chunk", p.mode)
		}
		for _, g := range p.groups {
			if size := g.chunk * int64(g.chunks*g.clients); size > gib {
				t.Errorf("%s: %d bytes in one round of chunks of %d", p.mode, size, g.chunk)
			}
		}
	}
}

// TestShare: groups share the time by their bytes, and use all of it.
func TestShare(t *testing.T) {
	p := plan{time: time.Minute, groups: []group{{1, 1, 10, 1, three}, {1, 2, 5, 2, three}, {10, 1, 3, 1, three[:1]}}}
	for i, want := range []time.Duration{15 * time.Second, 45 * time.Second, time.Minute} {
		if got := p.share(i); got != want {
			t.Errorf("up to group %d: %v, want %v", i, got, want)
		}
	}
}

// TestGoalsAreMeasured: the full and the quick plan have a cell for each goal
// that a cell answers, and for its reference, and each goal's count.
func TestGoalsAreMeasured(t *testing.T) {
	for _, p := range []plan{full, quick} {
		r := resultOf(p)
		for _, g := range r.Goals() {
			if !g.Known {
				t.Errorf("%s does not measure: %s", p.mode, g.What)
			}
			if g.Reference.Who != "" && !g.Reference.Known {
				t.Errorf("%s has no reference for: %s", p.mode, g.What)
			}
		}
	}
}

// resultOf is what a plan would measure, with made-up figures.
func resultOf(p plan) *report.Result {
	blocks := []report.Block{{EarlyTime: 1, LateTime: 1}}
	r := &report.Result{
		Slow: report.Slow{Uploads: p.slow.uploads, Nginx: 1}, Idle: report.Idle{Uploads: p.idle.uploads},
		Long:   report.Long{Late: p.long.late, Blocks: blocks, Store: blocks},
		Staged: report.Staged{Bytes: p.staged.bytes, Upload: []float64{1}, Commit: []float64{1}, Copy: []float64{1}},
	}
	use := map[string]meter.Use{report.Nginx: {CPU: 1}, report.Gate: {CPU: 1}}
	for _, g := range p.groups {
		for _, sys := range g.systems {
			c := sys.cell(g)
			c.Rounds = []report.Round{{Bytes: 1, Seconds: 1, Use: use}}
			r.Cells = append(r.Cells, c)
		}
	}
	for _, c := range p.counts {
		commit := map[string]int{"CompleteMultipartUpload": 1}
		if c.chunk*int64(c.chunks)%(8*mib) != 0 {
			commit["UploadPart"] = 1
		}
		r.Counts = append(r.Counts, report.Count{
			Chunk: c.chunk, Chunks: c.chunks, Hint: c.hint, Length: c.length, Steady: max(0, c.chunks-2), Commit: commit,
		})
	}
	return r
}

// TestWrongFlags: the program says so and measures nothing.
func TestWrongFlags(t *testing.T) {
	for _, args := range [][]string{{"-slow"}, {"-render", "-json", t.TempDir() + "/none.json"}, {"-quick", "stray"}} {
		if err := command(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v: want an error", args)
		}
	}
}
