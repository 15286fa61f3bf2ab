package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

// GetPieces implements upload.Sessions. The bytes go from the connection into
// the caller's buffers, past the client's own, which would be garbage of the
// size of every tail. The client repeats nothing that it reads this way, so it
// is repeated here.
func (s *Store) GetPieces(ctx context.Context, id string, pieces []upload.Piece) error {
	if len(pieces) == 0 {
		return nil
	}
	for n := 0; ; n++ {
		err := s.getPieces(ctx, s.keys(id).tail, pieces)
		if err == nil || errors.Is(err, upload.ErrNotExist) || n == maxRetries || ctx.Err() != nil {
			return err
		}
	}
}

func (s *Store) getPieces(ctx context.Context, key string, pieces []upload.Piece) error {
	reads := make([]*redis.ZeroCopyStringCmd, len(pieces))
	// Each read has an error of its own; the pipeline's is the first of them.
	_, _ = s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, piece := range pieces {
			reads[i] = redis.NewZeroCopyStringCmd(ctx, piece.Into, "hget", key, field(piece.Name, piece.Number))
			_ = p.Process(ctx, reads[i])
		}
		return nil
	})
	for i, piece := range pieces {
		switch n, err := reads[i].Result(); {
		case errors.Is(err, redis.Nil):
			return fmt.Errorf("read piece %d of %s: %w", piece.Number, piece.Name, upload.ErrNotExist)
		case err != nil && strings.Contains(err.Error(), "buffer too small"): // the client has no error for it
			return fmt.Errorf("read piece %d of %s: %w: %w", piece.Number, piece.Name, upload.ErrNotExist, err)
		case err != nil:
			return unavailable(ctx, "read pieces", err)
		case n != len(piece.Into):
			return fmt.Errorf("read piece %d of %s: %w: it has %d bytes instead of %d",
				piece.Number, piece.Name, upload.ErrNotExist, n, len(piece.Into))
		}
	}
	return nil
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
