package session

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// replicaWait is how long a call waits for replicas: less than the client waits
// for any answer (ioTimeout).
const replicaWait = time.Second

// runReplicated runs a script and asks in the same round trip, on the same
// connection, how many replicas hold what it wrote. Too few is an error,
// although the script has run: it may be repeated, as every one here, and a
// script that finds its work done writes something nevertheless, so that WAIT
// has a write of this connection to go by.
func (s *Store) runReplicated(ctx context.Context, do *redis.Script, keys []string, args []any) ([]any, error) {
	node, err := s.master(ctx, keys[0])
	if err != nil {
		return nil, err
	}
	answer, acks, err := waited(ctx, node, s.replicas, func(p redis.Pipeliner) *redis.Cmd {
		return do.EvalSha(ctx, p, keys, args...)
	})
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		answer, acks, err = waited(ctx, node, s.replicas, func(p redis.Pipeliner) *redis.Cmd {
			return do.Eval(ctx, p, keys, args...)
		})
	}
	switch {
	case err != nil:
		if c, ok := s.client.(*redis.ClusterClient); ok { // the slot may have moved
			c.ReloadState(ctx)
		}
		return nil, err
	case acks < int64(s.replicas):
		return nil, fmt.Errorf("%d replicas hold the write, want %d", acks, s.replicas)
	}
	return answer, nil
}

// master is the node that writes key: in a Cluster, WAIT has no key to find it by.
func (s *Store) master(ctx context.Context, key string) (redis.UniversalClient, error) {
	if c, ok := s.client.(*redis.ClusterClient); ok {
		return c.MasterForKey(ctx, key)
	}
	return s.client, nil
}

// waited makes a call and waits until n replicas hold it.
func waited(ctx context.Context, node redis.UniversalClient, n int, call func(redis.Pipeliner) *redis.Cmd) (answer []any, acks int64, err error) {
	var script, wait *redis.Cmd
	_, err = node.Pipelined(ctx, func(p redis.Pipeliner) error {
		script = call(p)
		wait = p.Do(ctx, "wait", n, replicaWait.Milliseconds())
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	if answer, err = script.Slice(); err != nil {
		return nil, 0, err
	}
	acks, err = wait.Int64()
	return answer, acks, err
}
