package s3backend

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"github.com/aws/smithy-go/tracing"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traced makes the SDK tell provider of its calls, and UploadPart and
// UploadPartCopy also their part's number.
func traced(provider trace.TracerProvider) func(*s3.Options) {
	t := tracer{otel: provider.Tracer("github.com/chunkgate/chunkgate/s3backend")}
	return func(o *s3.Options) {
		o.TracerProvider = t
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("TracePart", tracePart), middleware.After)
		})
	}
}

// tracePart notes a part's number on its call's span.
func tracePart(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	var number *int32
	switch in := in.Parameters.(type) {
	case *s3.UploadPartInput:
		number = in.PartNumber
	case *s3.UploadPartCopyInput:
		number = in.PartNumber
	}
	if number != nil {
		tracePartNumber(ctx, int(*number))
	}
	return next.HandleInitialize(ctx, in)
}

func tracePartNumber(ctx context.Context, number int) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.Int("chunkgate.part", number))
}

// tracer gives the SDK's own tracing a place in OpenTelemetry. The SDK tells
// of a dozen steps in each call, such as looking up credentials. One span a
// call is made of them: the operation, and what its HTTP request was answered.
type tracer struct{ otel trace.Tracer }

// Tracer implements tracing.TracerProvider.
func (t tracer) Tracer(string, ...tracing.TracerOption) tracing.Tracer { return t }

// StartSpan implements tracing.Tracer.
func (t tracer) StartSpan(ctx context.Context, name string, _ ...tracing.SpanOption) (context.Context, tracing.Span) {
	if service, method, ok := strings.Cut(name, "."); ok && service == s3.ServiceID {
		ctx, s := t.otel.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("rpc.system", "aws-api"), attribute.String("rpc.service", service), attribute.String("rpc.method", method)))
		return ctx, operation{span{s}}
	}
	if name == "DoHTTPRequest" {
		return ctx, span{trace.SpanFromContext(ctx)}
	}
	return tracing.NopTracerProvider{}.Tracer("").StartSpan(ctx, name)
}

// span is a step of an operation: what it tells goes to the operation's span.
type span struct{ otel trace.Span }

// SetProperty implements tracing.Span. Addresses and texts of errors are left
// out: they quote keys and queries.
func (s span) SetProperty(name, value any) {
	switch value := value.(type) {
	case int:
		if name == "http.status_code" && value > 0 { // 0: nothing was answered
			s.otel.SetAttributes(attribute.Int("http.response.status_code", value))
		}
	case string:
		if name == "api.error_code" {
			s.otel.SetAttributes(attribute.String("error.type", value))
		}
	}
}

func (span) Name() string                            { return "" }
func (span) AddEvent(string, ...tracing.EventOption) {}
func (span) SetStatus(tracing.SpanStatus)            {}
func (span) End()                                    {}

func (s span) Context() tracing.SpanContext {
	c := s.otel.SpanContext()
	return tracing.SpanContext{TraceID: c.TraceID().String(), SpanID: c.SpanID().String(), IsRemote: c.IsRemote()}
}

// operation is the span of a whole call.
type operation struct{ span }

func (o operation) End() { o.otel.End() }

func (o operation) SetStatus(status tracing.SpanStatus) {
	if status == tracing.SpanStatusError {
		o.otel.SetStatus(codes.Error, "")
	}
}
