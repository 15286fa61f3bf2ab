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
	t := &table{title: "Goals", head: []string{"Goal", "Want", "Measured", "Verdict"}}
	for _, g := range r.Goals() {
		sign := "≤"
		if g.AtLeast {
			sign = "≥"
		}
		got := "–"
		if g.Known {
			got = g.Unit.spread(g.Got)
		}
		t.add(g.What, sign+" "+g.Unit.say(g.Want), got, g.Verdict())
	}
	return t
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
		own := Kind{System: Gate, Chunk: c.Chunk, Clients: c.Clients, Length: true, Hint: true}
		t.add(megs(c.Chunk), c.Clients, len(c.Rounds), known(r.SpeedByDirect(c.Kind())), known(r.SpeedByDirect(own)), known(r.CPUByNginx(c.Chunk, c.Clients)))
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

// scale is what was measured of many uploads, and of long ones.
func (r *Result) scale() *table {
	t := &table{title: "Many uploads, long ones, large ones", head: []string{"What", "Figure"}}
	s, l, i := r.Slow, r.Long, r.Idle
	t.add(fmt.Sprintf("%d uploads at %s/s each, %d chunks of %s", s.Uploads, byteCount.say(float64(s.Rate)), s.Chunks, megs(s.Chunk)),
		fmt.Sprintf("chunkgate at most %s (%s before), %.1f CPU seconds in %.0f s; Redis at most %s; %d chunks sent again",
			byteCount.say(float64(s.Peak)), byteCount.say(float64(s.Before)), s.CPU, s.Seconds, byteCount.say(float64(s.Redis)), s.Refused))
	t.add(fmt.Sprintf("chunk %d by chunk %d, of %s each", l.Late, l.Early, byteCount.say(float64(l.Chunk))),
		fmt.Sprintf("time %s, CPU of chunkgate and Redis %s; its record in Redis has %s with %d parts",
			times.spread(l.Time()), times.say(l.CPU()), byteCount.say(float64(l.Record)), l.Parts))
	t.add(fmt.Sprintf("%d idle uploads with %s each in the tail", i.Uploads, byteCount.say(float64(i.Tail))),
		fmt.Sprintf("chunkgate: CPU %.2f s in %.0f s (%.2f s before), memory %s (%s before), files open %d (%d before); Redis %s each besides the tail",
			i.CPUAfter, i.Window, i.CPUBefore, byteCount.say(float64(i.RSSAfter)), byteCount.say(float64(i.RSSBefore)), i.FDAfter, i.FDBefore, byteCount.say(i.PerUpload())))
	t.add(fmt.Sprintf("%s by one client, no hint", byteCount.say(float64(r.Staged.Bytes))),
		fmt.Sprintf("upload %.2f s, commit %.2f s: %s", meter.Median(r.Staged.Upload), meter.Median(r.Staged.Commit), times.spread(r.Staged.Ratio())))
	return t
}
