package session

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

var _ upload.Quotas = (*Store)(nil)

// Claim implements upload.Quotas, in one round trip. The owner's key lies on
// another node of a Cluster than the session's, so the two cannot change in
// one step: a count without a session ends with its expiry.
func (s *Store) Claim(ctx context.Context, owner, id string, most int, ttl time.Duration) error {
	word, err := claimScript.Run(ctx, s.client, []string{s.openUploads(owner)}, s.offset(), id, span(ttl), most).Text()
	switch {
	case err != nil:
		return unavailable(ctx, "claim quota", err)
	case word == "quota":
		return upload.ErrQuota
	case word != "ok":
		return senseless("claim quota", word)
	}
	return nil
}

// Release implements upload.Quotas. It works in a Redis that is out of memory.
func (s *Store) Release(ctx context.Context, owner, id string) error {
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZRem(ctx, s.openUploads(owner), id)
		p.ZRem(ctx, s.open(), id)
		return nil
	})
	return unavailable(ctx, "release quota", err)
}

func (s *Store) openUploads(owner string) string { return s.prefix + "open:" + owner }
