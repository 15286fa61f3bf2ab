// Package tracing sends spans to an OTLP endpoint, when there is one. It is the
// only importer of OpenTelemetry's SDK and exporter; those who make spans, a
// request's in proxy, S3's in s3backend and Redis's in session, know its API
// only, and make none without a provider.
//
// Everything is set by OpenTelemetry's own variables: OTEL_EXPORTER_OTLP_ENDPOINT
// turns it on, OTEL_TRACES_SAMPLER chooses what is kept, OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES name the process.
//
// What leaves the process is on a list (scrub.go): an instrumentation that
// begins to note a URL, a query or an error's text changes nothing.
package tracing
