package metrics

import "github.com/prometheus/client_golang/prometheus"

func newTokens(r prometheus.Registerer) prometheus.Counter {
	return counter(r, "tokens_reload_failures_total",
		"Times that the tokens file could not be read anew, so that the tokens before still count.")
}

// TokensFailed counts one.
func (m *Metrics) TokensFailed() { m.tokens.Inc() }
