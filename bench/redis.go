package main

import (
	"context"
	"fmt"
	"strconv"
)

// redisMemory is what Redis has in use, in bytes, by its own account.
func (s *stack) redisMemory(ctx context.Context) (int64, error) {
	info, err := s.look.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	return strconv.ParseInt(field(info, "used_memory"), 10, 64)
}

// record is what Redis holds of an upload but for its tail, in bytes, and how
// many parts it lists.
func (s *stack) record(ctx context.Context, id string) (size int64, parts int, err error) {
	const prefix = "chunkgate:" // the default
	for _, key := range []string{prefix + "{" + id + "}", prefix + "{" + id + "}:parts"} {
		// Of every element: 0 samples all.
		n, err := s.look.MemoryUsage(ctx, key, 0).Result()
		if err != nil {
			return 0, 0, fmt.Errorf("ask Redis for the size of an upload: %w", err)
		}
		size += n
	}
	n, err := s.look.LLen(ctx, prefix+"{"+id+"}:parts").Result()
	return size, int(n), err
}
