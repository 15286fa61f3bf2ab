package clienttest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
)

// target is a running server and the store behind it.
type target struct {
	BaseURL string // "http://127.0.0.1:PORT", without a slash at the end
	Token   string // a bearer token that the server knows
	// SHA256 reads an object from the store, past the server, and answers its
	// SHA-256 in hex. key is the path that a client committed, without its
	// leading slash; any prefix of the token's owner is added here.
	SHA256 func(t *testing.T, key string) string
}

// start runs the real program in front of the real MinIO and Redis until the
// test ends.
func start(t *testing.T) target {
	t.Helper()
	store := testserver.MinIO(t)
	proxy := testserver.Serve(t, testserver.Build(t), store, testserver.StartRedis(t))
	objects, err := s3backend.New(t.Context(), s3backend.Config{
		Endpoint: store.Endpoint, Bucket: store.Bucket, PathStyle: true,
		AccessKey: store.AccessKey, SecretKey: store.SecretKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	return target{
		BaseURL: proxy.BaseURL,
		Token:   testserver.Token,
		SHA256: func(t *testing.T, key string) string {
			t.Helper()
			return sha256Of(t, objects, testserver.KeyPrefix+key)
		},
	}
}

func sha256Of(t *testing.T, objects *s3backend.Backend, key string) string {
	t.Helper()
	body, err := objects.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("read %q from the store: %v", key, err)
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		t.Fatalf("read %q from the store: %v", key, err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
