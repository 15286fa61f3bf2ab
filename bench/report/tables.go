package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/chunkgate/chunkgate/bench/meter"
)

// Write writes all tables for a terminal, the goals last.
func (r *Result) Write(w io.Writer) error {
	for _, t := range []*table{r.ratios(), r.figures(), r.counted(), r.scale(), r.goals()} {
		if err := t.text(w); err != nil {
			return err
		}
	}
	return nil
}

// goals with what was measured.
func (r *Result) goals() *table {
	t := &table{title: "Goals", head: []string{"Goal", "Want", "Measured", "Reference in the same run", "Verdict"}}
	for _, g := range r.Goals() {
		t.add(g.What, g.want(), g.measured(), g.reference(), g.Verdict())
	}
	return t
}

func (g Goal) want() string {
	if g.AtLeast {
		return "≥ " + g.Unit.say(g.Want)
	}
	return "≤ " + g.Unit.say(g.Want)
}

func (g Goal) measured() string {
	switch {
	case !g.Known:
		return "–"
	case len(g.Cases) > 0:
		return fmt.Sprintf("%s (%s)", g.Unit.say(g.Got.Median), strings.Join(g.Cases, "; "))
	}
	return g.Unit.spread(g.Got)
}

func (g Goal) reference() string {
	if !g.Reference.Known {
		return ""
	}
	return g.Reference.Who + " " + g.Unit.spread(g.Reference.Got)
}

// ratios of the systems that took turns.
func (r *Result) ratios() *table {
	t := &table{title: "Ratios, medians of rounds side by side (least to most)", head: []string{
		"Chunk", "Clients", "Rounds", "Throughput: nginx by direct", "chunkgate by direct", "CPU per GiB: chunkgate by nginx",
	}}
	for _, c := range r.Cells {
		if c.System != Nginx {
			continue
		}
		own := Kind{System: Gate, Chunk: c.Chunk, Clients: c.Clients, Length: true, Hint: true, Parallel: c.Parallel}
		clients := fmt.Sprint(c.Clients)
		if c.Parallel > 0 {
			clients += fmt.Sprintf(", %d at once", c.Parallel)
		}
		t.add(megs(c.Chunk), clients, len(c.Rounds), known(r.SpeedByDirect(c.Kind())), known(r.SpeedByDirect(own)), known(r.CPUByNginx(own)))
	}
	return t
}

func known(s meter.Spread, ok bool) string {
	if !ok {
		return "–"
	}
	return times.spread(s)
}

func megs(size int64) string { return fmt.Sprintf("%g MiB", float64(size)/MiB) }

// way is how a cell reaches the store, in words.
func (c Cell) way() string {
	way := c.System
	switch {
	case !c.Length:
		way += ", no length"
	case c.System == Gate && !c.Hint:
		way += ", no hint"
	case c.Unsummed:
		way += ", no checksum"
	}
	if c.Parallel > 0 {
		way += fmt.Sprintf(", %d at once", c.Parallel)
	}
	return way
}

// figures of every cell.
func (r *Result) figures() *table {
	t := &table{title: "Figures: MiB/s, milliseconds, CPU seconds per GiB", head: []string{
		"Chunk", "Clients", "Way", "MiB/s (least to most)", "p50 ms", "p99 ms", "commit ms",
		"CPU proxy", "minio", "redis", "load", "peak memory of proxy",
	}}
	for _, c := range r.Cells {
		own, peak := "–", "–"
		if c.System != Direct {
			own, peak = fmt.Sprintf("%.2f", c.CPU(c.System).Median), byteCount.say(float64(c.Peak(c.System)))
		}
		speed := c.Throughput()
		commit := meter.Median(c.Each(func(r Round) float64 { return r.Commit }))
		t.add(megs(c.Chunk), c.Clients, c.way(),
			fmt.Sprintf("%.0f (%.0f to %.0f)", speed.Median/MiB, speed.Min/MiB, speed.Max/MiB),
			millis(c.P50), millis(c.P99), millis(commit), own,
			fmt.Sprintf("%.2f", c.CPU(MinIO).Median), fmt.Sprintf("%.2f", c.CPU(Redis).Median),
			fmt.Sprintf("%.2f", c.CPU(Generator).Median), peak)
	}
	return t
}

func millis(seconds float64) string { return digits(1000 * seconds) }

// counted is what uploads cost the stores.
func (r *Result) counted() *table {
	t := &table{title: "Counted on the wire, chunks after the first two", head: []string{
		"Chunk", "Chunks", "Length", "Hint", "S3 requests per chunk", "Redis trips per chunk", "Redis commands per chunk",
		"sent to S3 by received", "S3 requests of the commit", "Redis trips of it",
	}}
	for _, c := range r.Counts {
		per := func(n float64) string {
			if c.Steady == 0 {
				return "–"
			}
			return fmt.Sprintf("%.2f", n/float64(c.Steady))
		}
		t.add(megs(c.Chunk), c.Chunks, yes(c.Length), yes(c.Hint),
			per(float64(Requests(c.Chunked))), per(float64(c.Trips)), per(float64(c.Commands)),
			fmt.Sprintf("%.4f", c.Amplification()), calls(c.Commit), c.TripsEnd)
	}
	return t
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// calls writes how many requests, and which.
func calls(made map[string]int) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(made)) {
		names = append(names, fmt.Sprintf("%d %s", made[name], name))
	}
	return fmt.Sprintf("%d: %s", Requests(made), strings.Join(names, ", "))
}
