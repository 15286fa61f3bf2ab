package main

// observe are the settings of what operators look at. Tracing has none: it is
// set by OpenTelemetry's own variables.
type observe struct {
	AdminListen string `env:"CHUNKGATE_ADMIN_LISTEN" help:"Address of metrics (/metrics), profiles (/debug/pprof/), /healthz and /readyz, without authentication: 127.0.0.1:9090, or one that only your own monitoring reaches; empty: none."`
}
