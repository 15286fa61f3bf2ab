package session

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

// accessList is what uploads need of an access list of Redis.
const accessList = "let the user's ACL have ~<CHUNKGATE_REDIS_PREFIX>* and " +
	"+@read +@write +@scripting +@connection +@transaction +info +time"

// ErrDenied is said by Permitted.
var ErrDenied = errors.New("names a user that may not do what uploads need: " + accessList)

// Permitted says whether scripts may ask every master for its time and its
// history. Without them nobody knows what has expired, nor that something was
// forgotten. Errors: ErrDenied, upload.ErrUnavailable.
func (s *Store) Permitted(ctx context.Context) error {
	err := s.atMasters(ctx, func(ctx context.Context, c redis.Scripter) error { return pingScript.Run(ctx, c, nil).Err() })
	if denied(err) {
		return ErrDenied
	}
	return unavailable(ctx, "try a script", err)
}

func (s *Store) atMasters(ctx context.Context, do func(context.Context, redis.Scripter) error) error {
	if nodes, ok := s.client.(*redis.ClusterClient); ok {
		return nodes.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return do(ctx, node) })
	}
	return do(ctx, s.client)
}

// denied says whether Redis's access list forbade a command, or a script one. Each
// version has its own words for the latter.
func denied(err error) bool {
	if err == nil || errors.Is(err, upload.ErrNotFound) {
		return false
	}
	for _, words := range []string{"NOPERM", "ACL failure", "can't run this command"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}
