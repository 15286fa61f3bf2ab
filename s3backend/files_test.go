package s3backend_test

import (
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestFilesConformance(t *testing.T) {
	b := mustOpen(t, testserver.MinIO(t), s3backend.Auto)
	uploadtest.TestFiles(t, func(*testing.T) upload.Files { return b })
}
