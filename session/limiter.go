package session

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// Limiter counts requests in Redis, so that all proxies share the count. It is
// safe for concurrent use.
type Limiter struct{ rates *redis_rate.Limiter }

// NewLimiter makes a Limiter. Those that share Redis and prefix share the
// counts; "" means "chunkgate:", as in Options.
func NewLimiter(client redis.UniversalClient, prefix string) *Limiter {
	if prefix == "" {
		prefix = usualPrefix
	}
	return &Limiter{redis_rate.NewLimiter(prefixed{client, prefix})}
}

// Limiter is one over the store's Redis and prefix.
func (s *Store) Limiter() *Limiter { return NewLimiter(s.client, s.prefix) }

// Allow counts a request of an owner that may make rate requests a second,
// after a pause also as many at once, and says how long it has to wait before
// the next try; 0: the request may go ahead. One round trip.
// Errors: upload.ErrUnavailable.
func (l *Limiter) Allow(ctx context.Context, owner string, rate int) (time.Duration, error) {
	answer, err := l.rates.Allow(ctx, owner, redis_rate.PerSecond(rate))
	if err != nil {
		return 0, unavailable(ctx, "count request", err)
	}
	return max(0, answer.RetryAfter), nil // -1: none
}

// prefixed puts our prefix before the keys of scripts: the library's own is
// fixed, and would lie outside of what Redis's access list allows us.
type prefixed struct {
	redis.UniversalClient
	prefix string
}

func (p prefixed) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return p.UniversalClient.Eval(ctx, script, p.keys(keys), args...)
}

func (p prefixed) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return p.UniversalClient.EvalSha(ctx, sha, p.keys(keys), args...)
}

func (p prefixed) keys(keys []string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = p.prefix + key
	}
	return all
}
