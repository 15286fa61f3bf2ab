package tracing

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// collector keeps all that is sent to it, as text.
func collector(t *testing.T) (url string, got *atomic.Value) {
	t.Helper()
	got = &atomic.Value{}
	got.Store("")
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got.Store(got.Load().(string) + string(b))
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

// What is not on the list stays here, wherever an instrumentation puts it.
func TestScrub(t *testing.T) {
	url, got := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	spans := mustStart(t)
	ctx, request := spans.Requests.Tracer("t").Start(t.Context(), "a request", trace.WithAttributes(
		attribute.String("url.query", "hunter2"), attribute.String("http.target", "/hunter2"), attribute.String("http.route", "/1/kept")))
	_, call := spans.Stores.Tracer("t").Start(ctx, "a call", trace.WithLinks(trace.Link{
		SpanContext: request.SpanContext(), Attributes: []attribute.KeyValue{attribute.String("a", "hunter2")}}))
	call.RecordError(errors.New("hunter2"))
	call.SetStatus(codes.Error, "hunter2")
	call.End()
	request.End()
	spans.Stop()
	sent := got.Load().(string)
	for _, want := range []string{"a request", "a call", "/1/kept", "chunkgate"} {
		if !strings.Contains(sent, want) {
			t.Errorf("%q was not sent", want)
		}
	}
	if strings.Contains(sent, "hunter2") {
		t.Errorf("a secret was sent: %q", sent)
	}
}

// A call to a store outside of any request makes no span.
func TestWithin(t *testing.T) {
	url, got := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	spans := mustStart(t)
	_, call := spans.Stores.Tracer("t").Start(t.Context(), "a sweep's call")
	if call.IsRecording() {
		t.Error("a span that belongs to nothing is recorded")
	}
	call.End()
	spans.Stop()
	if sent := got.Load().(string); sent != "" {
		t.Errorf("sent %q", sent)
	}
}

// The standard variables choose what is sampled, and name the process.
func TestStandardVariables(t *testing.T) {
	url, got := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_SERVICE_NAME", "renamed")
	for sampler, want := range map[string]bool{"always_on": true, "always_off": false} {
		t.Setenv("OTEL_TRACES_SAMPLER", sampler)
		got.Store("")
		spans := mustStart(t)
		_, span := spans.Requests.Tracer("t").Start(t.Context(), "a request")
		span.End()
		spans.Stop()
		if sent := got.Load().(string); strings.Contains(sent, "renamed") != want {
			t.Errorf("%s: sent %q", sampler, sent)
		}
	}
}

// Without an endpoint there is nothing: no provider, and so no span anywhere.
func TestOff(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"unset":    {},
		"disabled": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
		"none":     {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range env {
				t.Setenv(key, value)
			}
			spans := mustStart(t)
			if spans.Requests != nil || spans.Stores != nil {
				t.Errorf("got %v", spans)
			}
			spans.Stop()
		})
	}
}

func mustStart(t *testing.T) *Spans {
	t.Helper()
	spans, err := Start(context.Background(), "v1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return spans
}

// Whatever is wrong with the variables, no value of theirs is printed: a
// password in the endpoint is refused, a header that cannot be read is not shown.
func TestVariablesKeepSecrets(t *testing.T) {
	for _, endpoint := range []string{"http://user:hunter2@127.0.0.1:1", "http://user:hunter2@127.0.0.1:port", "http://user:hunter2 @x"} {
		for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
			t.Setenv(name, endpoint)
			_, err := Start(t.Context(), "test", slog.New(slog.DiscardHandler))
			if err == nil || !strings.HasPrefix(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s=%s: got %v", name, endpoint, err)
			}
		}
	}
	url, _ := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "hunter2")
	var log bytes.Buffer
	spans, err := Start(t.Context(), "test", slog.New(slog.NewJSONHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	spans.Stop()
	if got := log.String(); !strings.Contains(got, "OpenTelemetry: parse headers") || strings.Contains(got, "hunter2") {
		t.Errorf("got %s", got)
	}
}
