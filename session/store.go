package session

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

// Options are what a Store may be told. The zero value is good.
type Options struct {
	// Prefix begins every key; "" means "chunkgate:". Stores that share a
	// prefix share their sessions. It must not hold braces: they are Redis
	// Cluster's hash tag.
	Prefix string

	// Grace is how long a session's keys outlive its expiry; 0 means 24 h. A
	// sweeper that does not run for longer finds nothing to clean up by, and
	// leaves an abandoned multipart upload to the bucket's lifecycle rule.
	Grace time.Duration

	// Replicas is how many replicas must hold what a call wrote before it is
	// answered; with fewer it says upload.ErrUnavailable. 0 waits for none.
	Replicas int

	// Durable says that Redis remembers all it answered when it is started
	// again: one server with appendfsync always. Otherwise, and without
	// Replicas, an upload is in doubt after a restart or a failover until its
	// client shows that it stands where the record stands.
	Durable bool
}

const usualPrefix = "chunkgate:"

// Store keeps upload sessions in Redis. It is safe for concurrent use, and any
// number of stores in any number of processes may share one Redis.
type Store struct {
	client   redis.UniversalClient
	prefix   string
	grace    time.Duration
	replicas int
	durable  bool
}

var (
	_ upload.Sessions = (*Store)(nil)
	_ upload.Failures = (*Store)(nil)
)

// New makes a Store. The client, which Connect makes, stays the caller's: its
// timeouts and repeats bound how long a method takes.
func New(client redis.UniversalClient, o Options) *Store {
	s := &Store{client: client, prefix: o.Prefix, grace: o.Grace, replicas: o.Replicas, durable: o.Durable || o.Replicas > 0}
	if s.prefix == "" {
		s.prefix = usualPrefix
	}
	if s.grace == 0 {
		s.grace = 24 * time.Hour
	}
	return s
}

// until is when the keys of a session vanish by themselves.
func (s *Store) until(expires time.Time) time.Time { return expires.Add(s.grace) }

// Open implements upload.Sessions. The deadline goes first, and with it what is
// only counted: they live on other nodes of a Cluster, and a deadline without a session is harmless
// while a session without a deadline would never be swept.
func (s *Store) Open(ctx context.Context, u upload.Session, wanted int) (upload.Numbers, error) {
	deadline := redis.Z{Score: float64(u.Expires.UnixMilli()), Member: u.ID}
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAdd(ctx, s.deadlines(), deadline)
		p.ZAdd(ctx, s.open(), deadline)
		return nil
	})
	if err != nil {
		return upload.Numbers{}, unavailable(ctx, "store deadline", err)
	}
	until := s.until(u.Expires)
	args := append([]any{u.Owner, milli(u.Created), wanted, milli(until), bit(!s.durable)}, fields(u, wanted, until)...)
	answer, err := s.run(ctx, openScript, "open session", u.ID, args...)
	if err != nil {
		return upload.Numbers{}, err
	}
	return numbersOf(answer, wanted)
}

// Get implements upload.Sessions.
func (s *Store) Get(ctx context.Context, id, owner string, now time.Time) (upload.Session, error) {
	answer, err := s.run(ctx, getScript, "get session", id)
	if err != nil {
		return upload.Session{}, err
	}
	u, err := sessionIn(answer, 0, id)
	if err != nil {
		return upload.Session{}, err
	}
	if u.Owner != owner || u.State == upload.Gone || !u.Expires.After(now) {
		return upload.Session{}, upload.ErrNotFound
	}
	return u, nil
}

// Count is how many sessions are open and have not expired by now. One that
// ended without Release, by a crash, counts until its expiry. It costs Redis
// little however many there are.
func (s *Store) Count(ctx context.Context, now time.Time) (int64, error) {
	n, err := s.client.ZCount(ctx, s.open(), "("+milli(now), "+inf").Result()
	return n, unavailable(ctx, "count sessions", err)
}

// Ping implements upload.Sessions. It writes, because a Redis that is
// read-only, out of memory or unable to persist still answers PING.
func (s *Store) Ping(ctx context.Context) error {
	err := s.client.Set(ctx, s.prefix+"ping", "", time.Minute).Err()
	return unavailable(ctx, "ping session store", err)
}
