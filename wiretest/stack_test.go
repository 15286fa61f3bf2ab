package wiretest

import (
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

const mib = 1 << 20

// stack is two proxies over the same stores, and a look into the store past them.
type stack struct {
	proxies [2]testserver.Proxy
	objects *s3backend.Backend
}

// start runs a stack until the test ends. Lines of the tokens file come on top
// of testserver's own token.
func start(t *testing.T, tokens ...string) stack {
	t.Helper()
	return startWith(t, tokensFile(t, tokens)...)
}

// startWith is start with settings.
func startWith(t *testing.T, env ...string) stack {
	t.Helper()
	store, redis := testserver.MinIO(t), testserver.StartRedis(t)
	s := stack{objects: teststore.Open(t, store)}
	program := testserver.Build(t)
	for i := range s.proxies {
		s.proxies[i] = testserver.Serve(t, program, store, redis, env...)
	}
	return s
}

// tokensFile is the setting that names a file of these tokens, if there are any.
func tokensFile(t *testing.T, lines []string) []string {
	t.Helper()
	if len(lines) == 0 {
		return nil
	}
	name := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"CHUNKGATE_TOKENS_FILE=" + name}
}

// content is size bytes that look random and belong to a label.
func content(label string, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(label))).Read(b)
	return b
}

// read answers an object's SHA-256. key is without the owner's prefix.
func (s stack) read(t *testing.T, key string) [sha256.Size]byte {
	t.Helper()
	return teststore.SHA256(t, s.objects, ownKey(key))
}

// keys are those that begin with prefix, both without the owner's prefix.
func (s stack) keys(t *testing.T, prefix string) []string {
	t.Helper()
	var keys []string
	for _, key := range teststore.Keys(t, s.objects, ownKey(prefix)) {
		keys = append(keys, strings.TrimPrefix(key, testserver.KeyPrefix))
	}
	return keys
}

// wantNothingStaged checks that no commit has left anything behind.
func (s stack) wantNothingStaged(t *testing.T) {
	t.Helper()
	for key, err := range s.objects.List(t.Context(), ".chunkgate/") {
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("left behind: %q", key)
	}
}

// ownKey is where the store keeps the file that its owner calls path.
func ownKey(path string) string { return testserver.KeyPrefix + path }
