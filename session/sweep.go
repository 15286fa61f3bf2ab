package session

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

// Bury implements upload.Sessions. It works, as Due and Forget do, in a Redis
// that is out of memory.
func (s *Store) Bury(ctx context.Context, id, owner string) (upload.Session, error) {
	answer, err := s.run(ctx, buryScript, "bury session", id, s.offset(), owner)
	if err != nil {
		return upload.Session{}, err
	}
	return sessionIn(answer, 0, id)
}

// Due implements upload.Sessions.
func (s *Store) Due(ctx context.Context, late, retry time.Duration, max int) ([]string, error) {
	ids, err := dueScript.Run(ctx, s.client, []string{s.deadlines()}, s.offset(), span(late), span(retry), max).StringSlice()
	if err != nil {
		return nil, unavailable(ctx, "claim due sessions", err)
	}
	return ids, nil
}

// Adopt implements upload.Sessions, in one round trip.
func (s *Store) Adopt(ctx context.Context, ids []string, late time.Duration) (int, error) {
	args := []any{s.offset(), span(late)}
	for _, id := range ids {
		if possible(id) {
			args = append(args, id)
		}
	}
	if len(args) == 2 {
		return 0, nil
	}
	n, err := adoptScript.Run(ctx, s.client, []string{s.deadlines()}, args...).Int()
	return n, unavailable(ctx, "adopt sessions", err)
}

// Forget implements upload.Sessions. The deadline goes last: a sweeper that
// dies between the two comes again.
func (s *Store) Forget(ctx context.Context, id string) error {
	if possible(id) {
		if err := s.client.Del(ctx, s.keys(id).list()...).Err(); err != nil {
			return unavailable(ctx, "delete session", err)
		}
	}
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, s.open(), id)
		p.ZRem(ctx, s.deadlines(), id)
		return nil
	})
	return unavailable(ctx, "delete deadline", err)
}
