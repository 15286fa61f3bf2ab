package metrics

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chunkgate/chunkgate/upload"
)

// How a call to a store ended.
const (
	ok          = "ok"
	refused     = "refused"     // an answer that the contract foresees: not found, a conflict, another offset
	canceled    = "canceled"    // the caller or its client gave up
	unavailable = "unavailable" // the store did not do its part
	failed      = "failed"      // anything else: a defect
)

var endings = []string{ok, refused, canceled, unavailable, failed}

// callBuckets are in seconds.
var callBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// calls counts and times the calls of one store.
type calls struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newCalls(r prometheus.Registerer, store string, ops []string) *calls {
	c := &calls{
		total: counters(r, store+"_requests_total",
			"Calls to the store, by operation and how they ended.", "operation", "status"),
		seconds: histograms(r, store+"_request_duration_seconds",
			"How long calls to the store took, with the time that a client takes to send a streamed body.", callBuckets, "operation"),
	}
	for _, op := range ops {
		c.seconds.WithLabelValues(op)
		for _, ending := range endings {
			c.total.WithLabelValues(op, ending)
		}
	}
	return c
}

// done counts a call; it is to be deferred at the call's beginning.
func (c *calls) done(op string, begun time.Time, err *error) {
	c.seconds.WithLabelValues(op).Observe(time.Since(begun).Seconds())
	c.total.WithLabelValues(op, ending(*err)).Inc()
}

// ending folds an error into one of endings. A deadline is a bound on what a
// store may take, so its end is the store's failure; an end by the caller is not.
func ending(err error) string {
	var offset *upload.OffsetError
	var invalid *upload.InvalidError
	switch {
	case err == nil:
		return ok
	case errors.Is(err, context.Canceled), errors.Is(err, upload.ErrShortBody), errors.Is(err, upload.ErrIdle):
		return canceled
	case errors.Is(err, upload.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return unavailable
	case errors.As(err, &offset), errors.As(err, &invalid):
		return refused
	}
	for _, foreseen := range []error{
		upload.ErrNotFound, upload.ErrNotExist, upload.ErrConflict, upload.ErrCompleted, upload.ErrBusy, upload.ErrTooLarge, upload.ErrQuota,
	} {
		if errors.Is(err, foreseen) {
			return refused
		}
	}
	return failed
}

// listed counts a listing as one call, which lasts as long as it is read.
func listed[T any](c *calls, op string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var err error
		defer c.done(op, time.Now(), &err)
		for v, failed := range seq {
			if failed != nil {
				err = failed
			}
			if !yield(v, failed) {
				return
			}
		}
	}
}
