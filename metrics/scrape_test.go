package metrics_test

import (
	"bufio"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/metrics"
)

// scrape reads what Prometheus would, but only of ours: series → value.
func scrape(tb testing.TB, m *metrics.Metrics) map[string]float64 {
	tb.Helper()
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		tb.Fatalf("scrape: %d: %s", w.Code, w.Body)
	}
	series := map[string]float64{}
	lines := bufio.NewScanner(w.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "chunkgate_") {
			continue
		}
		at := strings.LastIndexByte(lines.Text(), ' ')
		value, err := strconv.ParseFloat(lines.Text()[at+1:], 64)
		if err != nil {
			tb.Fatalf("%q: %v", lines.Text(), err)
		}
		series[lines.Text()[:at]] = value
	}
	return series
}
