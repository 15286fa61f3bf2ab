package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	sampleAge   = 15 * time.Second // how long a sample holds, however often is scraped
	sampleLimit = 2 * time.Second  // how long one may take
)

// WatchUploads shows how many uploads are open over all replicas, which count
// says in one cheap call. It may be called once.
func (m *Metrics) WatchUploads(count func(context.Context) (int64, error)) {
	m.registry.MustRegister(newSampled("uploads_open",
		"Uploads that have neither ended nor expired. The same at every replica.",
		count, time.Now))
}

// WatchSweep shows how many uploads wait for the sweeper, which count says in one
// cheap call. It may be called once.
func (m *Metrics) WatchSweep(count func(context.Context) (int64, error)) {
	m.registry.MustRegister(newSampled("sweep_due_uploads",
		"Uploads that the sweeper may free and that no sweeper works on. The same at every replica.",
		count, time.Now))
}

// sampled is a gauge whose value costs a call to a store. While that fails,
// there is no value, rather than a wrong one.
type sampled struct {
	desc  *prometheus.Desc
	ask   func(context.Context) (int64, error)
	now   func() time.Time
	mu    sync.Mutex
	at    time.Time
	value int64
	err   error
}

func newSampled(name, help string, ask func(context.Context) (int64, error), now func() time.Time) *sampled {
	return &sampled{desc: prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, nil, nil), ask: ask, now: now}
}

// Describe implements prometheus.Collector.
func (s *sampled) Describe(to chan<- *prometheus.Desc) { to <- s.desc }

// Collect implements prometheus.Collector. Scrapes at the same time wait for
// one sample.
func (s *sampled) Collect(to chan<- prometheus.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.at.IsZero() || now.Sub(s.at) >= sampleAge {
		ctx, cancel := context.WithTimeout(context.Background(), sampleLimit)
		defer cancel()
		s.value, s.err = s.ask(ctx)
		s.at = now
	}
	if s.err == nil {
		to <- prometheus.MustNewConstMetric(s.desc, prometheus.GaugeValue, float64(s.value))
	}
}
