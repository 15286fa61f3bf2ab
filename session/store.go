package session

import (
	"context"
	"strconv"
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
	// again, or another takes over: one server with appendfsync always, or
	// Replicas as many as could be promoted. Otherwise an upload is in doubt
	// after a restart or a failover until its client shows that it stands where
	// the record stands.
	Durable bool

	// Ahead is how far time is ahead of Redis's clock, which decides; it is for
	// tests. nil: not at all.
	Ahead func() time.Duration
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
	ahead    func() time.Duration
}

var (
	_ upload.Sessions = (*Store)(nil)
	_ upload.Failures = (*Store)(nil)
)

// New makes a Store. The client, which Connect makes, stays the caller's: its
// timeouts and repeats bound how long a method takes.
func New(client redis.UniversalClient, o Options) *Store {
	s := &Store{client: client, prefix: o.Prefix, grace: o.Grace, replicas: o.Replicas, durable: o.Durable}
	s.ahead = o.Ahead
	if s.ahead == nil {
		s.ahead = func() time.Duration { return 0 }
	}
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

// offset is the first argument of every script that decides by time.
func (s *Store) offset() string { return span(s.ahead()) }

// span is a duration as scripts take it.
func span(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// Now is the time that decides: Redis's, and the same as every script's unless
// the nodes of a Cluster differ.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	now, err := s.client.Time(ctx).Result()
	return now.UTC().Add(s.ahead()), unavailable(ctx, "ask for the time", err)
}

// Open implements upload.Sessions. The deadline goes first, and with it what is
// only counted: they live on other nodes of a Cluster, and a deadline without a session is harmless
// while a session without a deadline would never be swept.
func (s *Store) Open(ctx context.Context, u upload.Session, ttl time.Duration, wanted int) (upload.Session, upload.Numbers, error) {
	err := s.onEach(ctx, deadlineScript, []string{s.deadlines(), s.open()}, s.offset(), span(ttl), u.ID)
	if err != nil {
		return upload.Session{}, upload.Numbers{}, unavailable(ctx, "store deadline", err)
	}
	args := append([]any{s.offset(), u.Owner, span(ttl), span(s.grace), wanted, bit(!s.durable)}, fields(u, wanted)...)
	answer, err := s.run(ctx, openScript, "open session", u.ID, args...)
	if err != nil {
		return upload.Session{}, upload.Numbers{}, err
	}
	return s.drawn(answer, u.ID, wanted)
}

// Get implements upload.Sessions.
func (s *Store) Get(ctx context.Context, id, owner string) (upload.Session, error) {
	answer, err := s.run(ctx, getScript, "get session", id, s.offset(), owner)
	if err != nil {
		return upload.Session{}, err
	}
	return sessionIn(answer, 0, id)
}

// Count is how many sessions are open and have not expired. One that
// ended without Release, by a crash, counts until its expiry. It costs Redis
// little however many there are.
func (s *Store) Count(ctx context.Context) (int64, error) {
	n, err := countScript.Run(ctx, s.client, []string{s.open()}, s.offset()).Int64()
	return n, unavailable(ctx, "count sessions", err)
}

// Ping implements upload.Sessions. It writes, because a Redis that is
// read-only, out of memory or unable to persist still answers PING, and asks what
// an access list may forbid.
func (s *Store) Ping(ctx context.Context) error {
	err := pingScript.Run(ctx, s.client, []string{s.prefix + "ping"}).Err()
	return unavailable(ctx, "ping session store", err)
}
