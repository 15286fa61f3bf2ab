package s3backend_test

import (
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// habits are what stores do otherwise than S3, by store (docs/stores.md).
var habits = map[string][]uploadtest.Habit{
	"SeaweedFS": {uploadtest.BackslashIsSlash, uploadtest.FoldersLinger},
}

// TestConformanceOfStores holds the backend to the contract on every store that
// the tests know.
func TestConformanceOfStores(t *testing.T) {
	for name, start := range testserver.Stores() {
		t.Run(name, func(t *testing.T) {
			b := mustOpen(t, start(t), s3backend.Auto)
			t.Run("objects", func(t *testing.T) {
				uploadtest.TestObjects(t, func(*testing.T) upload.Objects { return b })
			})
			t.Run("files", func(t *testing.T) {
				uploadtest.TestFiles(t, func(*testing.T) upload.Files { return b }, habits[name]...)
			})
		})
	}
}
