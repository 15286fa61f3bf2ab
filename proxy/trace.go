package proxy

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// traced is around receive: a span a request, whose parent is the client's if
// it says so (W3C Trace Context). A span holds the route and never the URL, in
// which clients send tokens and names of files. Health checks have none.
func traced(provider trace.TracerProvider) echo.MiddlewareFunc {
	tracer := provider.Tracer("github.com/chunkgate/chunkgate/proxy")
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !strings.HasPrefix(c.Path(), "/1/") {
				return next(c)
			}
			r := c.Request()
			method := knownMethod(r.Method)
			ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
			ctx, span := tracer.Start(ctx, method+" "+c.Path(), trace.WithSpanKind(trace.SpanKindServer),
				trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", c.Path())))
			defer span.End()
			c.SetRequest(r.WithContext(ctx))
			return next(c)
		}
	}
}

// knownMethod folds what a client may make up.
func knownMethod(method string) string {
	if slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodOptions}, method) {
		return method
	}
	return "_OTHER"
}

// annotate tells the request's span what became of it.
func (r *request) annotate() {
	span := trace.SpanFromContext(r.Request().Context())
	span.SetAttributes(
		attribute.Int("http.response.status_code", r.status()),
		attribute.String("chunkgate.request", r.id),
		attribute.String("chunkgate.owner", r.account.Owner),
		attribute.String("chunkgate.upload", r.upload),
		attribute.Int64("chunkgate.bytes", r.body.read.Load()),
	)
	if status := r.status(); status == 0 || status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}
