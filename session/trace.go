package session

import (
	"context"
	"fmt"
	"net"

	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Trace makes a span of each call of client; none without a provider. Spans
// name commands and never what they carry.
func Trace(client redis.UniversalClient, provider trace.TracerProvider) error {
	if provider == nil {
		return nil
	}
	err := redisotel.InstrumentTracing(client,
		redisotel.WithTracerProvider(provider),
		redisotel.WithDBStatement(false),
		redisotel.WithCallerEnabled(false),
		redisotel.WithDialFilter(true),
		// It spells out a pipeline even when it does not tell it: that would
		// be a copy of every byte of every tail.
		redisotel.WithCommandsFilter(func([]redis.Cmder) bool { return true }),
	)
	if err != nil {
		return fmt.Errorf("trace Redis: %w", err)
	}
	client.AddHook(pipelines{provider.Tracer("github.com/chunkgate/chunkgate/session")})
	return nil
}

// pipelines makes a span of each pipeline.
type pipelines struct{ tracer trace.Tracer }

// DialHook implements redis.Hook.
func (p pipelines) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements redis.Hook.
func (p pipelines) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

// ProcessPipelineHook implements redis.Hook.
func (p pipelines) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		ctx, span := p.tracer.Start(ctx, "pipeline", trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("db.system", "redis"), attribute.Int("db.redis.num_cmd", len(cmds))))
		defer span.End()
		err := next(ctx, cmds)
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		return err
	}
}
