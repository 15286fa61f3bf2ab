package session

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

// sightingsApart is the least time between two sightings of damage: what keeps
// a store from telling the truth for a moment has passed by then.
const sightingsApart = time.Minute

// Suspect implements upload.Sessions.
func (s *Store) Suspect(ctx context.Context, id, why string, certain bool) (int, error) {
	answer, err := s.run(ctx, suspectScript, "note damage", id, s.offset(), why, bit(certain), span(sightingsApart))
	if err != nil {
		return 0, err
	}
	if len(answer) == 1 {
		if times, ok := answer[0].(int64); ok {
			return int(times), nil
		}
	}
	return 0, fmt.Errorf("note damage: unexpected answer %v", answer)
}

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

// Overdue is how many uploads Due would give to a sweeper now.
func (s *Store) Overdue(ctx context.Context) (int64, error) {
	n, err := overdueScript.Run(ctx, s.client, []string{s.deadlines()}, s.offset(), span(upload.SweepDelay)).Int64()
	return n, unavailable(ctx, "count what is due", err)
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
