package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

const (
	// moveClaim is how long nobody else is given an upload whose tail is to be
	// moved, and movedGrace how long its old pieces stay, for those who read them.
	moveClaim  = 2 * time.Minute
	movedGrace = time.Minute

	// tailPage is how many uploads one round trip looks at.
	tailPage = 100
)

var _ upload.Tails = (*Store)(nil)

// IdleTails implements upload.Tails, in two round trips, one more for each node
// of a Cluster.
func (s *Store) IdleTails(ctx context.Context, from int, idle time.Duration) ([]upload.Session, int, error) {
	ids, err := s.client.ZRange(ctx, s.deadlines(), int64(from), int64(from+tailPage-1)).Result()
	if err != nil {
		return nil, 0, unavailable(ctx, "read deadlines", err)
	}
	answers, err := s.idleTails(ctx, ids, idle)
	if err != nil {
		return nil, 0, unavailable(ctx, "look for idle tails", err)
	}
	var idled []upload.Session
	for i, cmd := range answers {
		answer, err := cmd.Slice()
		if err == nil {
			answer, err = verdict("look for idle tails", ids[i], answer)
		}
		if err != nil {
			return nil, 0, unavailable(ctx, "look for idle tails", err)
		}
		if len(answer) == 0 {
			continue
		}
		if u, err := sessionIn(answer, 0, ids[i]); err == nil { // else it is for others to tell
			idled = append(idled, u)
		}
	}
	next := from + len(ids)
	if len(ids) < tailPage {
		next = 0
	}
	return idled, next, nil
}

// idleTails runs the script for each of the ids, of which none may be known to
// Redis yet.
func (s *Store) idleTails(ctx context.Context, ids []string, idle time.Duration) ([]*redis.Cmd, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var answers []*redis.Cmd
	pipeline := func(call func(context.Context, redis.Scripter, []string, ...any) *redis.Cmd) error {
		answers = answers[:0]
		_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, id := range ids {
				answers = append(answers, call(ctx, p, s.keys(id).list(), s.offset(),
					idle.Milliseconds(), moveClaim.Milliseconds(), movedGrace.Milliseconds()))
			}
			return nil
		})
		return err
	}
	err := pipeline(idleTailScript.EvalSha)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		err = pipeline(idleTailScript.Eval)
	}
	return answers, err
}

// MoveTail implements upload.Tails.
func (s *Store) MoveTail(ctx context.Context, u upload.Session, tail []upload.Fragment) (bool, error) {
	var left []upload.Fragment
	for _, f := range u.Tail {
		if f.Place == upload.InSessions {
			left = append(left, f)
		}
	}
	answer, err := s.run(ctx, moveTailScript, "move tail", u.ID,
		s.offset(), u.Offset, encodeTail(u.Tail), encodeTail(tail), encodeTail(left))
	if err != nil {
		if errors.Is(err, upload.ErrNotFound) {
			return false, nil
		}
		return false, err
	}
	return len(answer) == 1 && fmt.Sprint(answer[0]) == "1", nil
}

// Memory implements upload.Tails. Every master of a Cluster is asked.
func (s *Store) Memory(ctx context.Context) (used, limit int64, err error) {
	nodes, ok := s.client.(*redis.ClusterClient)
	if !ok {
		return memoryOf(ctx, s.client)
	}
	var mu sync.Mutex
	err = nodes.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		u, l, err := memoryOf(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		if l > 0 && (limit == 0 || float64(u)/float64(l) > float64(used)/float64(limit)) {
			used, limit = u, l
		}
		return err
	})
	return used, limit, err
}

// memoryOf asks one server. One that does not tell has no limit.
func memoryOf(ctx context.Context, c redis.Cmdable) (used, limit int64, err error) {
	memory, err := info(ctx, c, "memory")
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"), redis.HasErrorPrefix(err, "ERR unknown command"):
		return 0, 0, nil
	case err != nil:
		return 0, 0, unavailable(ctx, "ask for memory", err)
	}
	limit, err = strconv.ParseInt(memory["maxmemory"], 10, 64)
	if err != nil || limit == 0 {
		return 0, 0, nil
	}
	used, _ = strconv.ParseInt(memory["used_memory"], 10, 64) // 0 if it does not say
	return used, limit, nil
}
