package redistest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/upload"
)

// TestOutOfMemory fills a Redis that evicts nothing with tails. It refuses then
// and forgets nothing, and the uploads go on when there is room again.
func TestOutOfMemory(t *testing.T) {
	server := testserver.StartRedis(t, "--maxmemory", "8mb", "--maxmemory-policy", "noeviction")
	s := newStack(t, server.URL, testserver.MinIO(t))
	e := s.engine(8 * mib)
	uploads := s.fill(t, e)

	// It lets in one write more or less, as buffers come and go: from here on
	// it is full for sure.
	s.setMemory(t, "1")
	if err := e.Ready(t.Context()); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("ready: got %v, want %v", err, upload.ErrUnavailable)
	}
	for _, c := range append(uploads, s.sender(e, mib)) {
		if err := c.send(t, mib); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("send at %d: got %v, want %v", c.told.Offset, err, upload.ErrUnavailable)
		}
	}
	for _, c := range uploads {
		c.wantTold(t)
	}

	// What frees memory works.
	given, kept := uploads[0], uploads[1:]
	if err := e.Discard(t.Context(), owner, given.told.ID); err != nil {
		t.Errorf("discard: %v", err)
	}
	if n := s.open(t, given.told.ID); n > 0 {
		t.Errorf("%d multipart uploads of the discarded upload are open", n)
	}

	s.setMemory(t, "64mb")
	var keys []string
	for n, c := range kept {
		c.wantTold(t)
		key := fmt.Sprint("file ", n)
		c.finish(t, key)
		keys = append(keys, key)
	}
	s.wantObjects(t, keys...)
}

// fill sends uploads, each with a part and a tail of 4 MiB, until Redis refuses
// one, and answers those that were acknowledged something.
func (s *stack) fill(t *testing.T, e *upload.Engine) []*sender {
	t.Helper()
	var uploads []*sender
	for range 10 {
		c := s.sender(e, 12*mib)
		for _, size := range []int{6 * mib, mib, mib, mib, mib} {
			err := c.send(t, size)
			if err == nil {
				continue
			}
			if !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("send at %d: got %v, want %v", c.told.Offset, err, upload.ErrUnavailable)
			}
			if c.told.ID != "" {
				uploads = append(uploads, c)
			}
			if len(uploads) < 2 {
				t.Fatalf("%d uploads fit, want two at least: %v", len(uploads), err)
			}
			return uploads
		}
		uploads = append(uploads, c)
	}
	t.Fatalf("%d uploads with tails of 4 MiB fit", len(uploads))
	return nil
}

func (s *stack) setMemory(t *testing.T, max string) {
	t.Helper()
	if err := s.redis.ConfigSet(t.Context(), "maxmemory", max).Err(); err != nil {
		t.Fatal(err)
	}
}
