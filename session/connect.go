package session

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// What is set unless the URL says otherwise. The client tries a command at most
// three times, so a Redis that answers nothing at all costs a caller about ten
// seconds, one that refuses connections some milliseconds.
const (
	poolSize     = 64      // connections of each node
	connBuffer   = 8 << 10 // bytes, of each of a connection's two; pieces are longer and pass them by
	dialTimeout  = 2 * time.Second
	ioTimeout    = 3 * time.Second // one read or write
	poolTimeout  = 3 * time.Second // for a free connection
	maxRetries   = 2
	dialAttempts = 1 // per try
)

// The sentences of Connect. They quote nothing: a password that was not
// escaped can turn up in any part of a URL.
var (
	errURL    = errors.New("the Redis URL cannot be read: percent-encode special characters in its password")
	errScheme = errors.New("the Redis URL must begin with redis://, rediss://, unix://, redis+sentinel://, rediss+sentinel://, redis+cluster:// or rediss+cluster://")
	errMaster = errors.New("a Redis URL for Sentinel needs ?master_name= with the name of the master")
	errReads  = errors.New("the Redis URL must not route reads to replicas (read_only, route_by_latency, route_randomly, replica_only, use_disconnected_replicas): one that lags would look like a loss")
	errDetail = errors.New("the Redis URL has an unknown option or an invalid value, address or database number: percent-encode special characters in its password")
)

// Connect makes a client from a URL. It does not wait for Redis to answer.
//
//	redis://[user:password@]host[:port][/database]         one server; rediss:// with TLS
//	unix://[user:password@]/path[?db=database]             one server, at a socket
//	redis+sentinel://[user:password@]host[:port][/database]?master_name=NAME
//	    [&addr=host2:port2]…[&username=U&password=P]       Sentinel; rediss+sentinel:// with TLS
//	redis+cluster://[user:password@]host[:port][?addr=host2:port2]…
//	                                                       Cluster; rediss+cluster:// with TLS
//
// For Sentinel the user and password before the host are the sentinels', those
// in the query the servers'. Further options are go-redis's, in snake case, for
// example pool_size=128, read_timeout=5s or max_retries=5. An error is one
// sentence and holds nothing of the URL.
func Connect(rawURL string) (redis.UniversalClient, error) {
	logging.Disable() // it writes to stderr on its own; every error reaches the caller
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errURL
	}
	scheme, form, _ := strings.Cut(u.Scheme, "+")
	u.Scheme = scheme
	if routesReads(u.Query()) {
		return nil, errReads
	}
	switch {
	case form == "" && (scheme == "redis" || scheme == "rediss" || scheme == "unix"):
		return single(u.String())
	case form == "sentinel" && (scheme == "redis" || scheme == "rediss"):
		return sentinel(u.String())
	case form == "cluster" && (scheme == "redis" || scheme == "rediss"):
		return cluster(u.String())
	}
	return nil, errScheme
}

// routesReads says whether an option of the client lets replicas answer. Every
// call needs the master, which alone knows what was acknowledged last.
func routesReads(options url.Values) bool {
	for name := range options {
		switch strings.ToLower(strings.ReplaceAll(name, "_", "")) {
		case "readonly", "routebylatency", "routerandomly", "replicaonly", "slaveonly", "usedisconnectedreplicas":
			return true
		}
	}
	return false
}

func single(rawURL string) (redis.UniversalClient, error) {
	o, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, errDetail
	}
	bounds{
		&o.PoolSize, &o.PipelinePoolSize, &o.MaxRetries, &o.DialerRetries, &o.ReadBufferSize, &o.WriteBufferSize,
		&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ContextTimeoutEnabled,
	}.fill()
	if o.TLSConfig == nil {
		o.Dialer = dial(o.DialTimeout)
	}
	o.MaintNotificationsConfig = noNotifications()
	return redis.NewClient(o), nil
}

func sentinel(rawURL string) (redis.UniversalClient, error) {
	o, err := redis.ParseFailoverURL(rawURL)
	if err != nil {
		return nil, errDetail
	}
	if o.MasterName == "" {
		return nil, errMaster
	}
	bounds{
		&o.PoolSize, &o.PipelinePoolSize, &o.MaxRetries, &o.DialerRetries, &o.ReadBufferSize, &o.WriteBufferSize,
		&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ContextTimeoutEnabled,
	}.fill()
	if o.TLSConfig == nil {
		o.Dialer = dial(o.DialTimeout)
	}
	return redis.NewFailoverClient(o), nil
}

func cluster(rawURL string) (redis.UniversalClient, error) {
	o, err := redis.ParseClusterURL(rawURL)
	if err != nil {
		return nil, errDetail
	}
	bounds{
		&o.PoolSize, &o.PipelinePoolSize, &o.MaxRetries, &o.DialerRetries, &o.ReadBufferSize, &o.WriteBufferSize,
		&o.DialTimeout, &o.ReadTimeout, &o.WriteTimeout, &o.PoolTimeout, &o.ContextTimeoutEnabled,
	}.fill()
	if o.TLSConfig == nil {
		o.Dialer = dial(o.DialTimeout)
	}
	o.MaintNotificationsConfig = noNotifications()
	return redis.NewClusterClient(o), nil
}

// bounds are the options that all three kinds of client share.
type bounds struct {
	poolSize, pipelinePoolSize, maxRetries, dialerRetries  *int
	readBuffer, writeBuffer                                *int
	dialTimeout, readTimeout, writeTimeout, timeoutForPool *time.Duration
	contextTimeout                                         *bool
}

// fill sets what the URL left open.
func (b bounds) fill() {
	*b.contextTimeout = true
	unless(b.poolSize, poolSize)
	unless(b.pipelinePoolSize, -1) // pipelines share the one pool, so it bounds them too
	unless(b.maxRetries, maxRetries)
	unless(b.dialerRetries, dialAttempts)
	unless(b.readBuffer, connBuffer)
	unless(b.writeBuffer, connBuffer)
	unless(b.dialTimeout, dialTimeout)
	unless(b.readTimeout, ioTimeout)
	unless(b.writeTimeout, ioTimeout)
	unless(b.timeoutForPool, poolTimeout)
}

func unless[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// noNotifications leaves out the handshake for a vendor's maintenance
// notices, which other servers answer with an error.
func noNotifications() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
