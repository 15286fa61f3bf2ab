package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTime bounds sending what is left at the end.
const flushTime = 5 * time.Second

// enabled says whether the environment asks for spans.
func enabled() bool {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") || strings.EqualFold(os.Getenv("OTEL_TRACES_EXPORTER"), "none") {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// Spans are what begins spans: for requests, and for the calls to the stores
// inside of these. Both are nil when nobody asked for spans.
type Spans struct {
	Requests trace.TracerProvider
	Stores   trace.TracerProvider

	sdk *sdktrace.TracerProvider
	log *slog.Logger
}

// Start begins to send spans by OTLP over HTTP, if the environment says where.
// That nobody answers there is logged and costs spans, nothing else: memory for
// those that wait is bounded by OTEL_BSP_MAX_QUEUE_SIZE.
func Start(ctx context.Context, version string, log *slog.Logger) (*Spans, error) {
	if !enabled() {
		return &Spans{}, nil
	}
	if err := checkEndpoints(); err != nil {
		return nil, err
	}
	otel.SetLogger(logr.FromSlogHandler(terse{log.Handler()}))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("set up OTLP: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "chunkgate"), attribute.String("service.version", version)),
		resource.WithFromEnv(), // the last word
	)
	if err != nil {
		return nil, fmt.Errorf("name this process for traces: %w", err)
	}
	// The SDK knows no other way to learn of failed exports.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("trace", "err", err) }))
	p := sdktrace.NewTracerProvider(sdktrace.WithBatcher(scrubbed{exporter}), sdktrace.WithResource(about))
	return &Spans{Requests: p, Stores: within{p}, sdk: p, log: log}, nil
}

// Stop sends what is left.
func (s *Spans) Stop() {
	if s.sdk == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := s.sdk.Shutdown(ctx); err != nil {
		s.log.Warn("send the last spans", "err", err)
	}
}
