package s3backend_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// BenchmarkUploadPart streams parts to a store that discards them, in this
// process.
func BenchmarkUploadPart(b *testing.B) {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, make([]byte, 256<<10))
		w.Header().Set("ETag", `"e"`)
	}))
	defer store.Close()
	for _, checksum := range []s3backend.Checksum{s3backend.Trailer, s3backend.None} {
		for _, size := range []int64{1 << 20, 8 << 20, 32 << 20} {
			b.Run(fmt.Sprintf("checksum=%s/MiB=%d", checksum, size>>20), func(b *testing.B) {
				backend, err := s3backend.New(b.Context(), s3backend.Config{
					Endpoint: store.URL, Bucket: "b", PathStyle: true, Checksum: checksum,
					AccessKey: "a", SecretKey: "s",
				})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					m := upload.Multipart{Key: "k", ID: "u"}
					if _, err := backend.UploadPart(b.Context(), m, 1, size, io.LimitReader(zeros{}, size)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
