package session

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/upload"
)

// PutPieces implements upload.Sessions. Writing and setting the expiry are one
// transaction: a late writer may come when the session is long gone, and what
// it writes then must not stay for ever.
func (s *Store) PutPieces(ctx context.Context, id, name string, first int, pieces [][]byte, expires time.Time) error {
	if len(pieces) == 0 {
		return nil
	}
	values := make([]any, 0, 2*len(pieces))
	for i, piece := range pieces {
		values = append(values, field(name, first+i), piece)
	}
	key := s.keys(id).tail
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, key, values...)
		p.PExpireAt(ctx, key, s.until(expires))
		return nil
	})
	return unavailable(ctx, "store pieces", err)
}

// GetPieces implements upload.Sessions.
func (s *Store) GetPieces(ctx context.Context, id, name string, first, count int) ([][]byte, error) {
	if count <= 0 {
		return nil, nil
	}
	names := make([]string, count)
	for i := range names {
		names[i] = field(name, first+i)
	}
	values, err := s.client.HMGet(ctx, s.keys(id).tail, names...).Result()
	if err != nil {
		return nil, unavailable(ctx, "read pieces", err)
	}
	pieces := make([][]byte, len(values))
	for i, v := range values {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("read piece %s: %w", names[i], upload.ErrNotExist)
		}
		// The client made this string for us alone out of a byte slice; a copy
		// of every byte of every tail would show in CPU and garbage.
		pieces[i] = unsafe.Slice(unsafe.StringData(text), len(text))
	}
	return pieces, nil
}

// DropPieces implements upload.Sessions.
func (s *Store) DropPieces(ctx context.Context, id string, fragments []upload.Fragment) error {
	names := pieceFields(fragments)
	if len(names) == 0 {
		return nil
	}
	key := s.keys(id).tail
	_, err := s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		// In runs, so that no single command holds up Redis for long.
		for run := range slices.Chunk(names, 1000) {
			p.HDel(ctx, key, run...)
		}
		return nil
	})
	return unavailable(ctx, "drop pieces", err)
}

// pieceFields are the hash fields of the fragments that are kept here.
func pieceFields(fragments []upload.Fragment) []string {
	var names []string
	for _, f := range fragments {
		if f.Place != upload.InSessions {
			continue
		}
		for i := range f.Pieces() {
			names = append(names, field(f.Name, f.First+i))
		}
	}
	return names
}
