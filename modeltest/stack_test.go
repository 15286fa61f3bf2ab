package modeltest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

const mib = 1 << 20

// stack is real stores with two engines in front of them.
type stack struct {
	redis   redis.UniversalClient
	objects *s3backend.Backend
	engines [2]*upload.Engine
	ahead   atomic.Int64 // nanoseconds; Redis's time is so much ahead
}

func newStack(t *testing.T) *stack {
	t.Helper()
	store := testserver.MinIO(t)
	client, err := session.Connect(testserver.StartRedis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	s := &stack{redis: client, objects: teststore.Open(t, store)}
	for i := range s.engines {
		by := func() time.Duration { return time.Duration(s.ahead.Load()) }
		c := teststore.Config(session.New(client, session.Options{Ahead: by}), s.objects)
		c.TTL = ttl
		s.engines[i] = upload.New(c)
	}
	return s
}

func (s *stack) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// begin opens an upload with a first chunk.
func (s *stack) begin(t *testing.T, chunk []byte) upload.Status {
	t.Helper()
	status, err := s.append(t, 0, upload.Status{}, chunk)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// append sends a chunk where the upload ends.
func (s *stack) append(t *testing.T, engine int, at upload.Status, chunk []byte) (upload.Status, error) {
	return s.engines[engine].Append(t.Context(), upload.Chunk{
		Owner: owner, ID: at.ID, Offset: at.Offset, Length: int64(len(chunk)), Body: bytes.NewReader(chunk),
	})
}

// commit commits to key, overwriting.
func (s *stack) commit(t *testing.T, engine int, id, key string) (upload.Object, error) {
	return s.engines[engine].Commit(t.Context(), upload.CommitRequest{
		Owner: owner, ID: id, Terms: key, Key: func(n int) (string, bool) { return key, n == 0 },
	})
}

// wantObject checks the content of the only object there is, and removes it.
// Without content, there must be none.
func (s *stack) wantObject(t *testing.T, key string, content []byte) {
	t.Helper()
	var want []string
	if content != nil {
		want = []string{key}
	}
	if got := teststore.Keys(t, s.objects, ""); !slices.Equal(got, want) {
		t.Fatalf("objects are %q, want %q", got, want)
	}
	if content == nil {
		return
	}
	if teststore.SHA256(t, s.objects, key) != sha256.Sum256(content) {
		t.Errorf("%q is not what was acknowledged", key)
	}
	if err := s.objects.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// wantNothing lets all uploads expire, sweeps, and checks that neither store
// holds anything. MinIO lists multipart uploads by their exact key only.
func (s *stack) wantNothing(t *testing.T, ids []string) {
	t.Helper()
	for range 2 { // a sweeper that found a commit at work comes again
		s.ahead.Add(int64(ttl + time.Hour))
		for _, e := range s.engines {
			for n := 1; n > 0; {
				var err error
				if n, err = e.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	s.wantObject(t, "", nil)
	if keys := s.redis.Keys(t.Context(), "*").Val(); len(keys) > 0 {
		t.Errorf("left in Redis: %q", keys)
	}
	for _, id := range ids {
		open, err := s.objects.Multiparts(t.Context(), staging+id+"/object")
		if err != nil || len(open) > 0 {
			t.Errorf("multipart uploads of %s: %q, %v", id, open, err)
		}
	}
}

// together runs all at one moment and returns when all are done.
func together(all ...func()) {
	var done sync.WaitGroup
	start := make(chan struct{})
	for _, f := range all {
		done.Go(func() {
			<-start
			f()
		})
	}
	close(start)
	done.Wait()
}

// content is random bytes; the n-th of a round.
func content(n, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, n, size))).Read(b)
	return b
}
