package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chunkgate/chunkgate/bench/load"
	"github.com/chunkgate/chunkgate/internal/testserver"
)

// TestFreeMemory: a folder that is not there, or not in memory, has no room.
func TestFreeMemory(t *testing.T) {
	for _, dir := range []string{filepath.Join(t.TempDir(), "none"), "/proc"} {
		if got := freeMemory(dir); got != 0 {
			t.Errorf("%s: got %d bytes, want 0", dir, got)
		}
	}
}

// TestPurge: what was deleted leaves nothing of its size in MinIO's folder.
func TestPurge(t *testing.T) {
	ctx := t.Context()
	s := &stack{payload: load.NewPayload(8 * mib), store: testserver.MinIO(t)}
	if err := s.connect(ctx); err != nil {
		t.Fatal(err)
	}
	direct := &viaS3{s: s, addr: address(s.store.Endpoint), key: "bench/purged.bin"}
	if err := direct.begin(ctx); err != nil {
		t.Fatal(err)
	}
	defer direct.end(ctx)
	if err := direct.send(s.payload.Chunk(0, 0, 8*mib)); err != nil {
		t.Fatal(err)
	}
	if _, err := direct.finish(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.empty(ctx); err != nil {
		t.Fatal(err)
	}
	var left int64
	err := filepath.Walk(s.store.Data, func(_ string, file os.FileInfo, err error) error {
		if err == nil && file.Mode().IsRegular() {
			left += file.Size()
		}
		return nil // MinIO removes files of its own meanwhile
	})
	if err != nil || left > 1*mib {
		t.Errorf("%d bytes are left, %v", left, err)
	}
}
