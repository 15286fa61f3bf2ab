package tracing

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exported are the only attributes that leave the process: none of them can
// hold a token, a query or the name of a file.
var exported = []attribute.Key{
	"http.request.method", "http.route", "http.response.status_code",
	"chunkgate.request", "chunkgate.owner", "chunkgate.upload", "chunkgate.bytes", "chunkgate.part",
	"rpc.system", "rpc.service", "rpc.method", "error.type",
	"db.system", "db.redis.num_cmd", "server.address", "server.port",
}

// scrubbed passes on of each span what is on the list, without events, links'
// attributes and the text of its status, in which errors quote what they like.
// The log line with the trace's id has the cause.
type scrubbed struct{ sdktrace.SpanExporter }

// ExportSpans implements sdktrace.SpanExporter.
func (s scrubbed) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	clean := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		clean[i] = scrub{span}
	}
	return s.SpanExporter.ExportSpans(ctx, clean)
}

// scrub is a span as it goes out.
type scrub struct{ sdktrace.ReadOnlySpan }

func (s scrub) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(s.ReadOnlySpan.Attributes()), func(kv attribute.KeyValue) bool {
		return !slices.Contains(exported, kv.Key)
	})
}

func (s scrub) Events() []sdktrace.Event { return nil }

func (s scrub) Links() []sdktrace.Link { return nil }

func (s scrub) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
