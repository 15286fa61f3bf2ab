package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// Where MinIO's data lies, if there is room: in memory. The disk is not what is
// measured, and one that is fast for the first gigabytes only makes the rounds
// after them look slow.
const (
	memoryDir  = "/dev/shm"
	memoryRoom = 8 * gib // bytes; no load stores more than some 6 GiB at once
)

// inMemory is a testserver.TB whose folders lie in memory.
type inMemory struct{ testserver.TB }

// TempDir implements testserver.TB.
func (m inMemory) TempDir() string {
	m.Helper()
	dir, err := os.MkdirTemp(memoryDir, "chunkgate-bench-")
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startStore starts MinIO, and says where its data lies.
func startStore(tb testserver.TB) (store testserver.Store, data string) {
	if freeMemory(memoryDir) < memoryRoom {
		return testserver.MinIO(tb), "on disk, in " + os.TempDir()
	}
	return testserver.MinIO(inMemory{tb}), "in memory, in " + memoryDir
}

// purge frees the room of what was deleted. MinIO moves it to a folder that it
// empties every five minutes, within which a run would fill the memory, or have
// the disk write what nobody reads.
func purge(store testserver.Store) error {
	deleted, err := filepath.Glob(filepath.Join(store.Data, ".minio.sys", "tmp", ".trash", "*"))
	if err != nil {
		return err
	}
	for _, dir := range deleted {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("purge what was deleted: %w", err)
		}
	}
	return nil
}
