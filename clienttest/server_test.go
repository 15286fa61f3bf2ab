package clienttest

import (
	"encoding/hex"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
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
	objects := teststore.Open(t, store)
	proxy := testserver.Serve(t, testserver.Build(t), store, testserver.StartRedis(t))
	return target{
		BaseURL: proxy.BaseURL,
		Token:   testserver.Token,
		SHA256: func(t *testing.T, key string) string {
			t.Helper()
			sum := teststore.SHA256(t, objects, testserver.KeyPrefix+key)
			return hex.EncodeToString(sum[:])
		},
	}
}
