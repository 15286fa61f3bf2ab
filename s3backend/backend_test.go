package s3backend_test

import (
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

func TestConformance(t *testing.T) {
	minio := testserver.MinIO(t)
	for _, checksum := range []s3backend.Checksum{s3backend.Trailer, s3backend.None} {
		t.Run(string(checksum), func(t *testing.T) {
			b := mustOpen(t, minio, checksum)
			uploadtest.TestObjects(t, func(*testing.T) upload.Objects { return b })
		})
	}
}

func mustOpen(tb testing.TB, s testserver.Store, checksum s3backend.Checksum) *s3backend.Backend {
	tb.Helper()
	b, err := s3backend.New(tb.Context(), s3backend.Config{
		Endpoint:  s.Endpoint,
		Bucket:    s.Bucket,
		PathStyle: true,
		Checksum:  checksum,
		AccessKey: s.AccessKey,
		SecretKey: s.SecretKey,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
