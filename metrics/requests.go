package metrics

import (
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chunkgate/chunkgate/proxy"
)

// requestBuckets are in seconds: an answer from memory, to 150 MB on a slow line.
var requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800}

// Values of the labels method and status. Others fold into the last of them,
// or into the class of the status.
var (
	methods  = []string{"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", other}
	statuses = []int{200, 204, 206, 304, 400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 416, 429, 431, 500, 503, 507}
	classes  = []string{"1xx", "2xx", "3xx", "4xx", "5xx", other, dropped}
)

const (
	other   = "other"
	dropped = "dropped" // the connection broke off without an answer
	noRoute = "none"    // the path is none of ours
)

// atFirst are the statuses whose counts exist before the first such answer:
// those of success, and those that alerts look at.
var atFirst = []string{"200", "400", "401", "500", "503"}

// Requests implements proxy.Observer.
type Requests struct {
	routes   []string // of which the label may be
	total    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	chunk    prometheus.Observer
	first    prometheus.Observer
	running  prometheus.Gauge
	bodies   prometheus.Gauge
	received prometheus.Counter
	sent     prometheus.Counter
	defects  prometheus.Counter
}

var _ proxy.Observer = (*Requests)(nil)

func newRequests(r prometheus.Registerer, defects prometheus.Counter) *Requests {
	return &Requests{
		defects: defects,
		total:   counters(r, "requests_total", "Requests answered, by method, route and status.", "method", "route", "status"),
		seconds: histograms(r, "request_duration_seconds", "From a request's head to the end of its answer.", requestBuckets, "route"),
		chunk: histograms(r, "chunk_duration_seconds",
			"Of a chunk that was accepted, from the request's head to the end of the answer.", requestBuckets).WithLabelValues(),
		first: histograms(r, "chunk_first_byte_seconds",
			"Of a chunk, from the request's head until its first byte is asked for: the checks, and the wait for Redis, a buffer or the object store.",
			requestBuckets).WithLabelValues(),
		running:  gauge(r, "requests_in_flight", "Requests that are being answered."),
		bodies:   gauge(r, "bodies_in_flight_bytes", "Announced sizes of the bodies of requests that are being answered."),
		received: counter(r, "received_bytes_total", "Bytes of requests' bodies that were read, whether they were accepted or not."),
		sent:     counter(r, "sent_bytes_total", "Bytes of answers' bodies."),
	}
}

// Routes implements proxy.Observer.
func (q *Requests) Routes(routes []proxy.Route) {
	for _, r := range append(routes, proxy.Route{Method: other, Path: noRoute}) {
		if !slices.Contains(q.routes, r.Path) {
			q.routes = append(q.routes, r.Path)
			q.seconds.WithLabelValues(r.Path)
		}
		for _, status := range atFirst {
			q.total.WithLabelValues(folded(methods, r.Method), r.Path, status)
		}
	}
}

// Begun implements proxy.Observer.
func (q *Requests) Begun(length int64) {
	q.running.Inc()
	q.bodies.Add(float64(max(0, length)))
}

// Ended implements proxy.Observer.
func (q *Requests) Ended(r proxy.Observation) {
	defer func() { // once all is counted
		q.bodies.Sub(float64(max(0, r.Length)))
		q.running.Dec()
	}()
	route := r.Route
	if !slices.Contains(q.routes, route) {
		route = noRoute
	}
	took := r.Took.Seconds()
	q.total.WithLabelValues(folded(methods, r.Method), route, statusLabel(r.Status)).Inc()
	q.seconds.WithLabelValues(route).Observe(took)
	q.received.Add(float64(r.Received))
	q.sent.Add(float64(r.Sent))
	if !r.Chunk {
		return
	}
	if r.Asked {
		q.first.Observe(r.FirstByte.Seconds())
	}
	if r.Status == 200 {
		q.chunk.Observe(took)
	}
}

// Defect implements proxy.Observer.
func (q *Requests) Defect() { q.defects.Inc() }

// folded is value if it is one of known, else other.
func folded(known []string, value string) string {
	if slices.Contains(known, value) {
		return value
	}
	return other
}

// statusLabel folds what is not in statuses into its class.
func statusLabel(status int) string {
	switch {
	case status == 0:
		return dropped
	case slices.Contains(statuses, status):
		return strconv.Itoa(status)
	case status >= 100 && status < 600:
		return classes[status/100-1]
	}
	return other
}
