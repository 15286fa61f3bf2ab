package report

import (
	"fmt"

	"github.com/chunkgate/chunkgate/bench/meter"
)

// scale is what was measured of many uploads, and of long ones.
func (r *Result) scale() *table {
	t := &table{title: "Many uploads, long ones, large ones", head: []string{"What", "Figure"}}
	for _, row := range [][2]string{r.Slow.row(), r.Long.row(), r.Idle.row(), r.Staged.row()} {
		t.add(row[0], row[1])
	}
	return t
}

func (s Slow) row() (row [2]string) {
	row[0] = fmt.Sprintf("%d uploads at %s/s each, %d chunks of %s", s.Uploads, byteCount.say(float64(s.Rate)), s.Chunks, megs(s.Chunk))
	row[1] = fmt.Sprintf("chunkgate at most %s (%s before), %.1f CPU seconds in %.0f s; Redis at most %s; %d chunks sent again",
		byteCount.say(float64(s.Peak)), byteCount.say(float64(s.Before)), s.CPU, s.Seconds, byteCount.say(float64(s.Redis)), s.Refused)
	if s.Nginx > 0 {
		row[1] += fmt.Sprintf("; nginx at most %s, before the store", byteCount.say(float64(s.Nginx)))
	}
	return row
}

func (l Long) row() (row [2]string) {
	row[0] = fmt.Sprintf("chunk %d by chunk %d, of %s each", l.Late, l.Early, byteCount.say(float64(l.Chunk)))
	row[1] = fmt.Sprintf("time %s, CPU of chunkgate and Redis %s; its record in Redis has %s with %d parts",
		times.spread(l.Time()), times.say(l.CPU()), byteCount.say(float64(l.Record)), l.Parts)
	if len(l.Store) > 0 {
		row[1] += fmt.Sprintf("; the same parts straight to MinIO: time %s", times.spread(l.StoreTime()))
	}
	return row
}

func (i Idle) row() (row [2]string) {
	row[0] = fmt.Sprintf("%d idle uploads with %s each in the tail", i.Uploads, byteCount.say(float64(i.Tail)))
	row[1] = fmt.Sprintf("chunkgate: CPU %.2f s in %.0f s (%.2f s before), memory %s (%s before), files open %d (%d before); Redis %s each besides the tail",
		i.CPUAfter, i.Window, i.CPUBefore, byteCount.say(float64(i.RSSAfter)), byteCount.say(float64(i.RSSBefore)), i.FDAfter, i.FDBefore, byteCount.say(i.PerUpload()))
	return row
}

func (s Staged) row() (row [2]string) {
	row[0] = fmt.Sprintf("%s by one client, no hint", byteCount.say(float64(s.Bytes)))
	row[1] = fmt.Sprintf("upload %.2f s, commit %.2f s: %s", meter.Median(s.Upload), meter.Median(s.Commit), times.spread(s.Ratio()))
	if len(s.Copy) > 0 {
		row[1] += fmt.Sprintf("; MinIO's copying alone %.2f s: %s", meter.Median(s.Copy), times.spread(s.CopyRatio()))
	}
	return row
}
