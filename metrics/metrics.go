package metrics

import (
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is a registry of its own with all of the program's metrics. It is
// safe for concurrent use.
type Metrics struct {
	Engine   *Engine   // for upload.Config.Observer
	Requests *Requests // for proxy.Config.Observer

	registry *prometheus.Registry
	tokens   prometheus.Counter // failures
	redis    *calls
	s3       *calls
}

// New makes a set of metrics.
func New() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(),
	)
	defects := counter(r, "defects_total", "Panics that were caught, in requests and in what goes on beside them.")
	return &Metrics{
		Engine:   newEngine(r, defects),
		Requests: newRequests(r, defects),
		registry: r,
		tokens:   newTokens(r),
		redis:    newCalls(r, "redis", sessionsOps),
		s3:       newCalls(r, "s3", objectsOps),
	}
}

// Handler answers a scrape. What cannot be collected is left out and logged.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	})
}

// buildInfo is a constant 1 that tells by its labels what is running.
func buildInfo() prometheus.Collector {
	version, revision, goVersion := build()
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "chunkgate_build_info",
		Help:        "1; what is running is in the labels.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision, "goversion": goVersion},
	})
	g.Set(1)
	return g
}

// Version is the program's.
func Version() string {
	version, _, _ := build()
	return version
}

// build says what is running, as Go has noted it in the program.
func build() (version, revision, goVersion string) {
	version, revision, goVersion = "unknown", "unknown", "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	if info.Main.Version != "" {
		version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return version, revision, info.GoVersion
}
