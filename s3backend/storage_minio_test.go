package s3backend_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// TestStorageAtMinIO stores in each way and asks the real store what it kept,
// also of an object that was copied out of an encrypted one.
func TestStorageAtMinIO(t *testing.T) {
	minio := testserver.MinIO(t, "MINIO_KMS_SECRET_KEY=test-key:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	for _, sse := range []s3backend.Encryption{s3backend.ByS3, s3backend.ByKMS} {
		t.Run(string(sse), func(t *testing.T) {
			var seen http.Header // of the latest answer
			listen := intercept{change: func(r *http.Response) { seen = r.Header.Clone() }}
			b, err := s3backend.New(t.Context(), s3backend.Config{
				Endpoint: listen.start(t, minio.Endpoint), Bucket: minio.Bucket, PathStyle: true,
				AccessKey: minio.AccessKey, SecretKey: minio.SecretKey,
				Storage: s3backend.Storage{
					SSE: sse, Class: "REDUCED_REDUNDANCY", Tags: map[string]string{"team": "a b", "x": "1"},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			put := func(key string, staged bool) {
				if _, err := b.Put(t.Context(), key, 5, strings.NewReader("hello"), upload.Attributes{Staged: staged}, upload.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			put("tail", true)
			put("whole", false)
			m, err := b.CreateMultipart(t.Context(), "copied", upload.Attributes{})
			if err != nil {
				t.Fatal(err)
			}
			part, err := b.CopyPart(t.Context(), m, 1, "tail", 0, 5)
			if err != nil {
				t.Fatal(err)
			}
			sent, err := b.UploadPart(t.Context(), m, 2, 5, strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			// An encrypted part is listed under the ETag that it was answered with.
			want := []upload.Part{{Number: 1, Size: 5, ETag: part.ETag}, {Number: 2, Size: 5, ETag: sent.ETag}}
			var stored []upload.Part
			for p, err := range b.StoredParts(t.Context(), m) {
				if err != nil {
					t.Fatal(err)
				}
				stored = append(stored, p)
			}
			if diff := cmp.Diff(want, stored); diff != "" {
				t.Errorf("stored parts (-want +got):\n%s", diff)
			}
			if _, err := b.Complete(t.Context(), m, []upload.Part{part}, upload.Condition{}); err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]kept{
				"tail":   {SSE: string(sse)},
				"whole":  {SSE: string(sse), Class: "REDUCED_REDUNDANCY", Tags: "2"},
				"copied": {SSE: string(sse), Class: "REDUCED_REDUNDANCY", Tags: "2"},
			} {
				o, err := b.Head(t.Context(), key)
				if err != nil {
					t.Fatal(err)
				}
				body, err := b.Get(t.Context(), key, o.Size)
				if err != nil {
					t.Fatal(err)
				}
				_ = body.Close()
				got := kept{
					SSE: seen.Get("X-Amz-Server-Side-Encryption"), Class: seen.Get("X-Amz-Storage-Class"), Tags: seen.Get("X-Amz-Tagging-Count"),
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}

// kept is what a store says of how it keeps an object.
type kept struct{ SSE, Class, Tags string }
