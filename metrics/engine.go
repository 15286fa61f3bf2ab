package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chunkgate/chunkgate/upload"
)

// Label values for what the engine names.
var (
	storeNames = map[upload.Place]string{upload.InSessions: "redis", upload.InObjects: "s3"}
	ways       = []upload.Way{upload.Streamed, upload.Single, upload.Promised, upload.Copied, upload.Inherited}
	contests   = []upload.Contest{upload.OverOffset, upload.OverDestination}
	reasons    = []upload.Reason{upload.Discarded, upload.Expired}
)

// commitBuckets reach from one Put to the copy of hundreds of GB, in seconds.
var commitBuckets = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}

// Engine implements upload.Observer.
type Engine struct {
	opened    prometheus.Counter
	stored    prometheus.Counter
	tails     *prometheus.CounterVec
	tailBytes *prometheus.CounterVec
	moved     prometheus.Counter
	movedSize prometheus.Counter
	retries   *prometheus.CounterVec
	conflicts *prometheus.CounterVec
	commits   *prometheus.HistogramVec
	ended     *prometheus.CounterVec
	reclaimed *prometheus.CounterVec
	damaged   prometheus.Counter
	defects   prometheus.Counter
	sweeps    *prometheus.CounterVec
	lastSweep prometheus.Gauge

	register prometheus.Registerer
}

var _ upload.Observer = (*Engine)(nil)

func newEngine(r prometheus.Registerer, defects prometheus.Counter) *Engine {
	e := &Engine{
		register:  r,
		opened:    counter(r, "uploads_opened_total", "Uploads opened."),
		stored:    counter(r, "stored_bytes_total", "Bytes accepted for good, in chunks and whole files."),
		tails:     counters(r, "tails_total", "Runs of bytes too short for a part that were stored, by place.", "place"),
		tailBytes: counters(r, "tail_bytes_total", "Bytes of what was too short for a part, by place.", "place"),
		moved:     counter(r, "tails_moved_total", "Tails moved from Redis to the object store, since their upload was left alone."),
		movedSize: counter(r, "tails_moved_bytes_total", "Bytes of tails moved from Redis to the object store."),
		retries:   counters(r, "retries_total", "Calls to a store that the engine repeated.", "store"),
		conflicts: counters(r, "conflicts_total", "Requests that lost: a chunk over its offset, a name over what is there.", "kind"),
		commits: histograms(r, "commit_duration_seconds",
			"From the start of a commit to its object, by the way the object appeared.", commitBuckets, "way"),
		ended:     counters(r, "uploads_ended_total", "Uploads that ended without an object.", "reason"),
		reclaimed: counters(r, "reclaimed_bytes_total", "Accepted bytes of uploads that ended without an object and were freed.", "reason"),
		damaged:   counter(r, "uploads_damaged_total", "Uploads given up because a store no longer has what it acknowledged."),
		defects:   defects,
		sweeps:    counters(r, "sweeps_total", "Looks for expired uploads.", "result"),
		lastSweep: gauge(r, "last_sweep_timestamp_seconds", "When this process last swept without an error, in Unix time; at first, when it started."),
	}
	for _, store := range storeNames {
		e.tails.WithLabelValues(store)
		e.tailBytes.WithLabelValues(store)
		e.retries.WithLabelValues(store)
	}
	for _, c := range contests {
		e.conflicts.WithLabelValues(string(c))
	}
	for _, w := range ways {
		e.commits.WithLabelValues(string(w))
	}
	for _, why := range reasons {
		e.ended.WithLabelValues(string(why))
		e.reclaimed.WithLabelValues(string(why))
	}
	for _, result := range []string{"ok", "failed"} {
		e.sweeps.WithLabelValues(result)
	}
	e.lastSweep.SetToCurrentTime()
	return e
}

// Opened implements upload.Observer.
func (e *Engine) Opened() { e.opened.Inc() }

// Stored implements upload.Observer.
func (e *Engine) Stored(bytes int64) { e.stored.Add(float64(bytes)) }

// Kept implements upload.Observer.
func (e *Engine) Kept(at upload.Place, bytes int64) {
	store := storeNames[at]
	e.tails.WithLabelValues(store).Inc()
	e.tailBytes.WithLabelValues(store).Add(float64(bytes))
}

// Moved implements upload.Observer.
func (e *Engine) Moved(bytes int64) {
	e.moved.Inc()
	e.movedSize.Add(float64(bytes))
}

// Retried implements upload.Observer.
func (e *Engine) Retried(at upload.Place) { e.retries.WithLabelValues(storeNames[at]).Inc() }

// Conflicted implements upload.Observer.
func (e *Engine) Conflicted(over upload.Contest) { e.conflicts.WithLabelValues(string(over)).Inc() }

// Committed implements upload.Observer.
func (e *Engine) Committed(by upload.Way, took time.Duration) {
	e.commits.WithLabelValues(string(by)).Observe(took.Seconds())
}

// Freed implements upload.Observer.
func (e *Engine) Freed(because upload.Reason, bytes int64) {
	e.ended.WithLabelValues(string(because)).Inc()
	e.reclaimed.WithLabelValues(string(because)).Add(float64(bytes))
}

// Damaged implements upload.Observer.
func (e *Engine) Damaged() { e.damaged.Inc() }

// Defect implements upload.Observer.
func (e *Engine) Defect() { e.defects.Inc() }

// Swept implements upload.Observer.
func (e *Engine) Swept(err error) {
	if err != nil {
		e.sweeps.WithLabelValues("failed").Inc()
		return
	}
	e.sweeps.WithLabelValues("ok").Inc()
	e.lastSweep.SetToCurrentTime()
}

// WatchSpilling shows whether an engine's tails go to the object store since
// Redis is filling up. It may be called once.
func (e *Engine) WatchSpilling(spilling func() bool) {
	gaugeFunc(e.register, "tails_spilling", "1 while tails go to the object store because Redis is filling up, else 0.", func() float64 {
		if spilling() {
			return 1
		}
		return 0
	})
}

// WatchBuffers shows an engine's buffers, which Buffers says at each scrape.
// It may be called once.
func (e *Engine) WatchBuffers(buffers func() (inUse, budget int64)) {
	gaugeFunc(e.register, "buffers_in_use_bytes", "Buffers given out to requests.", func() float64 {
		used, _ := buffers()
		return float64(used)
	})
	gaugeFunc(e.register, "buffers_limit_bytes", "Budget of all buffers together.", func() float64 {
		_, budget := buffers()
		return float64(budget)
	})
}
