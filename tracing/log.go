package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
)

// checkEndpoints refuses what the exporter could not use: it would only log it,
// with the password in it, and go on without. It takes none from the URL.
func checkEndpoints() error {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		u, err := url.Parse(os.Getenv(name))
		switch {
		case err != nil:
			return fmt.Errorf("%s is no URL", name)
		case u.User != nil:
			return fmt.Errorf("%s must hold no user and no password, which would not be sent: OTEL_EXPORTER_OTLP_HEADERS can", name)
		}
	}
	return nil
}

// terse logs what the SDK complains of without its values: they are whole
// variables, headers with keys among them.
type terse struct{ slog.Handler }

func (t terse) Handle(ctx context.Context, r slog.Record) error {
	return t.Handler.Handle(ctx, slog.NewRecord(r.Time, r.Level, "OpenTelemetry: "+r.Message, r.PC))
}

func (t terse) WithAttrs([]slog.Attr) slog.Handler { return t }

func (t terse) WithGroup(string) slog.Handler { return t }
