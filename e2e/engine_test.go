package e2e

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

const (
	mib     = 1 << 20
	staging = ".chunkgate/"
	owner   = "alice"
)

// stack is real stores with engines in front of them.
type stack struct {
	redis   redis.UniversalClient
	objects *s3backend.Backend
	ahead   atomic.Int64 // nanoseconds; Redis's clock runs so much ahead for the engines
}

func newStack(t *testing.T) *stack {
	t.Helper()
	store := testserver.MinIO(t)
	client, err := session.Connect(testserver.StartRedis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return &stack{redis: client, objects: teststore.Open(t, store)}
}

// engine is one of any number of replicas.
func (s *stack) engine(change func(*upload.Config)) *upload.Engine {
	by := func() time.Duration { return time.Duration(s.ahead.Load()) }
	c := teststore.Config(session.New(s.redis, session.Options{Ahead: by}), s.objects)
	change(&c)
	return upload.New(c)
}

// wantKeys checks that these objects are all there is in the bucket.
func (s *stack) wantKeys(t *testing.T, want ...string) {
	t.Helper()
	if got := teststore.Keys(t, s.objects, ""); !slices.Equal(got, want) {
		t.Errorf("objects are %q, want %q", got, want)
	}
}

func append1(t *testing.T, e *upload.Engine, c upload.Chunk, b []byte, announced bool) upload.Status {
	t.Helper()
	c.Owner, c.Body, c.Length = owner, bytes.NewReader(b), upload.UnknownLength
	if announced {
		c.Length = int64(len(b))
	}
	s, err := e.Append(t.Context(), c)
	if err != nil {
		t.Fatalf("append %d bytes at %d: %v", len(b), c.Offset, err)
	}
	return s
}

// TestModes sends a file in random chunks, announced or not, in every way of
// storing, through two replicas in turn.
func TestModes(t *testing.T) {
	s := newStack(t)
	modes := map[string]func(*upload.Config){
		"growing parts":   func(*upload.Config) {},
		"equal parts":     func(c *upload.Config) { c.Limits.EqualPart = 7 * mib },
		"tail in objects": func(c *upload.Config) { c.TailInSessions = 0 },
		"little memory":   func(c *upload.Config) { c.BufferMemory = mib },
	}
	for name, change := range modes {
		for _, promised := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/promised=%v", name, promised), func(t *testing.T) {
				key := fmt.Sprintf("%s/%v", name, promised)
				seed := uint64(time.Now().UnixNano())
				t.Logf("seed %d", seed)
				s.uploadRandomly(t, change, key, promised, rand.New(rand.NewPCG(seed, seed)))
				if err := s.objects.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
				s.wantKeys(t)
			})
		}
	}
}

func (s *stack) uploadRandomly(t *testing.T, change func(*upload.Config), key string, promised bool, r *rand.Rand) {
	t.Helper()
	file := make([]byte, 40*mib+r.IntN(mib))
	_, _ = rand.NewChaCha8([32]byte{byte(r.Uint64())}).Read(file)
	engines := [2]*upload.Engine{s.engine(change), s.engine(change)}
	var status upload.Status
	for n := 0; status.Offset < int64(len(file)); n++ {
		c := upload.Chunk{ID: status.ID, Offset: status.Offset}
		if n == 0 && promised {
			c.Destination = key
		}
		end := min(len(file), int(status.Offset)+1+r.IntN(1<<(12+r.IntN(13))))
		status = append1(t, engines[n%2], c, file[status.Offset:end], r.IntN(2) == 0)
	}
	o, err := engines[0].Commit(t.Context(), upload.CommitRequest{
		Owner: owner, ID: status.ID, Terms: key, Key: func(n int) (string, bool) { return key, n == 0 },
	})
	if err != nil || o.Size != int64(len(file)) {
		t.Fatalf("commit: %+v, %v", o, err)
	}
	if teststore.SHA256(t, s.objects, key) != sha256.Sum256(file) {
		t.Errorf("the object is not the file")
	}
}

// TestSweepReplicas lets uploads of every kind expire, and two replicas sweep
// at once: each upload is freed once, and nothing is left anywhere.
func TestSweepReplicas(t *testing.T) {
	s := newStack(t)
	inObjects := s.engine(func(c *upload.Config) { c.TailInSessions = 0 })
	plain := s.engine(func(*upload.Config) {})
	const each = 3
	var multiparts []string
	for n := range each {
		for _, e := range []*upload.Engine{plain, inObjects} {
			first := append1(t, e, upload.Chunk{}, make([]byte, 6*mib), true)
			append1(t, e, upload.Chunk{ID: first.ID, Offset: first.Offset}, make([]byte, 1000), true)
			multiparts = append(multiparts, staging+first.ID+"/object")
		}
		key := fmt.Sprintf("promised %d", n)
		append1(t, plain, upload.Chunk{Destination: key}, make([]byte, 6*mib), true)
		multiparts = append(multiparts, key)
	}
	if open := s.open(t, multiparts); open != 3*each {
		t.Fatalf("%d multipart uploads are open, want %d", open, 3*each)
	}

	s.ahead.Store(int64(49 * time.Hour))
	var freed atomic.Int64
	var sweepers sync.WaitGroup
	for _, e := range []*upload.Engine{plain, inObjects} {
		sweepers.Go(func() {
			n, err := e.Sweep(t.Context())
			if err != nil {
				t.Error(err)
			}
			freed.Add(int64(n))
		})
	}
	sweepers.Wait()
	if freed.Load() != 3*each {
		t.Errorf("freed %d uploads, want %d", freed.Load(), 3*each)
	}
	if open := s.open(t, multiparts); open != 0 {
		t.Errorf("%d multipart uploads are still open", open)
	}
	s.wantKeys(t)
	if keys := s.redis.Keys(t.Context(), "*").Val(); len(keys) > 0 {
		t.Errorf("left in Redis: %q", keys)
	}
}

// open counts the multipart uploads at these keys. MinIO lists them by their
// exact key only.
func (s *stack) open(t *testing.T, keys []string) int {
	t.Helper()
	n := 0
	for _, key := range keys {
		ids, err := s.objects.Multiparts(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		n += len(ids)
	}
	return n
}
