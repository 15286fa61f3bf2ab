package s3backend

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// TestStorageHeaders sends every call and looks at each header of it that says
// how the object is kept.
func TestStorageHeaders(t *testing.T) {
	isolate(t)
	const (
		sse    = "X-Amz-Server-Side-Encryption"
		key    = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
		bucket = "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"
		class  = "X-Amz-Storage-Class"
		tags   = "X-Amz-Tagging"
	)
	encrypted := map[string]string{sse: "aws:kms", key: "alias/uploads", bucket: "true"}
	whole := map[string]string{sse: "aws:kms", key: "alias/uploads", bucket: "true",
		class: "STANDARD_IA", tags: "cost%20centre=a%2Bb&team=media%2Fvideo"}
	none := map[string]string{}
	m := upload.Multipart{Key: "k", ID: "u"}
	parts := []upload.Part{{Number: 1, Size: 1, ETag: `"e"`}}
	put := func(staged bool) func(context.Context, *Backend) error {
		return func(ctx context.Context, b *Backend) error {
			_, err := b.Put(ctx, "k", 1, strings.NewReader("x"), upload.Attributes{Staged: staged}, upload.Condition{})
			return err
		}
	}
	create := func(staged bool) func(context.Context, *Backend) error {
		return func(ctx context.Context, b *Backend) error {
			_, err := b.CreateMultipart(ctx, "k", upload.Attributes{Staged: staged})
			return err
		}
	}
	calls := []struct {
		name string
		call func(context.Context, *Backend) error
		want map[string]string
	}{
		{"PutObject of an object that stays", put(false), whole},
		{"PutObject of a tail", put(true), encrypted},
		{"CreateMultipartUpload at a destination", create(false), whole},
		{"CreateMultipartUpload at the staging key", create(true), encrypted},
		{"UploadPart", func(ctx context.Context, b *Backend) error {
			_, err := b.UploadPart(ctx, m, 1, 1, strings.NewReader("x"))
			return err
		}, none},
		{"UploadPartCopy", func(ctx context.Context, b *Backend) error {
			_, err := b.CopyPart(ctx, m, 1, "source", 0, 1)
			return err
		}, none},
		{"CompleteMultipartUpload", func(ctx context.Context, b *Backend) error {
			_, err := b.Complete(ctx, m, parts, upload.Condition{})
			return err
		}, none},
		{"GetObject", func(ctx context.Context, b *Backend) error {
			_, err := b.Get(ctx, "k", 0)
			return err
		}, none},
		{"HeadObject", func(ctx context.Context, b *Backend) error {
			_, err := b.Head(ctx, "k")
			return err
		}, none},
	}
	for _, checksum := range []Checksum{Trailer, None} {
		for _, c := range calls {
			t.Run(string(checksum)+"/"+c.name, func(t *testing.T) {
				var seen http.Header
				b, err := New(t.Context(), Config{
					Endpoint: recording(t, &seen), Bucket: "b", PathStyle: true, AccessKey: "a", SecretKey: "s", Checksum: checksum,
					Storage: Storage{
						SSE: "aws:kms", KMSKey: "alias/uploads", BucketKey: true, Class: "STANDARD_IA",
						Tags: map[string]string{"team": "media/video", "cost centre": "a+b"},
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := c.call(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				got := map[string]string{}
				for name := range seen {
					if strings.HasPrefix(name, "X-Amz-Server-Side") || name == class || name == tags {
						got[name] = seen.Get(name)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("headers (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// recording is a store that takes everything and keeps the latest header.
func recording(t *testing.T, seen *http.Header) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		*seen = r.Header
		w.Header().Set("ETag", `"e"`)
		w.Header().Set("X-Amz-Request-Id", "1")
		switch q := r.URL.Query(); {
		case r.Method == http.MethodHead:
			w.Header().Set("Content-Length", "0")
		case r.Method == http.MethodPost && q.Has("uploads"):
			_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>")
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w, `<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>`)
		case r.Header.Get("X-Amz-Copy-Source") != "":
			_, _ = io.WriteString(w, `<CopyPartResult><ETag>"e"</ETag></CopyPartResult>`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// Nothing is said to a store unless it was set.
func TestStorageUnset(t *testing.T) {
	isolate(t)
	var seen http.Header
	b, err := New(t.Context(), Config{Endpoint: recording(t, &seen), Bucket: "b", PathStyle: true, AccessKey: "a", SecretKey: "s"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "k", 1, bytes.NewReader([]byte("x")), upload.Attributes{}, upload.Condition{}); err != nil {
		t.Fatal(err)
	}
	for name := range seen {
		if strings.HasPrefix(name, "X-Amz-Server-Side") || name == "X-Amz-Storage-Class" || name == "X-Amz-Tagging" {
			t.Errorf("header %s is sent", name)
		}
	}
}

func TestStorageValidate(t *testing.T) {
	many, ten := map[string]string{}, map[string]string{}
	for i, c := range "abcdefghijk" {
		many[string(c)] = ""
		if i < 10 {
			ten[string(c)] = ""
		}
	}
	for _, c := range []struct {
		storage Storage
		want    string // "" is valid
	}{
		{Storage{}, ""},
		{Storage{SSE: "AES256", Class: "STANDARD_IA", Tags: map[string]string{"a b": "é+-=._:/@", "c": ""}}, ""},
		{Storage{SSE: "aws:kms", KMSKey: "arn:aws:kms:eu-west-1:1:key/2", BucketKey: true}, ""},
		{Storage{SSE: "aws:kms:dsse", KMSKey: "alias/x"}, ""},
		{Storage{SSE: "aws:kms", KMSKey: "!~"}, ""},
		{Storage{Tags: map[string]string{strings.Repeat("é", 128): strings.Repeat("é", 256)}}, ""},
		{Storage{Tags: ten}, ""},
		{Storage{SSE: "aws:kms", KMSKey: "clé"}, "without spaces"},
		{Storage{SSE: "aws:kms", KMSKey: "k\x7f"}, "without spaces"},
		{Storage{SSE: "aes"}, "must be AES256, aws:kms or aws:kms:dsse"},
		{Storage{SSE: "AES256", KMSKey: "k"}, "a KMS key needs"},
		{Storage{SSE: "aws:kms", KMSKey: "two words"}, "without spaces"},
		{Storage{SSE: "aws:kms:dsse", BucketKey: true}, "bucket key needs"},
		{Storage{Class: "GLACIER"}, "cannot be read back"},
		{Storage{Class: "DEEP_ARCHIVE"}, "cannot be read back"},
		{Storage{Class: "not one"}, "must be a name like"},
		{Storage{Tags: many}, "10 tags at most, not 11"},
		{Storage{Tags: map[string]string{"": "x"}}, "must be 1 to 128"},
		{Storage{Tags: map[string]string{"a&b": "x"}}, "must be 1 to 128"},
		{Storage{Tags: map[string]string{strings.Repeat("é", 129): "x"}}, "must be 1 to 128"},
		{Storage{Tags: map[string]string{"AWS:x": "y"}}, "AWS's own"},
		{Storage{Tags: map[string]string{"a": strings.Repeat("x", 257)}}, "at most 256"},
		{Storage{Tags: map[string]string{"a": "x;y"}}, "at most 256"},
	} {
		err := c.storage.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: got %v, want %q", c.storage, err, c.want)
		}
	}
}
