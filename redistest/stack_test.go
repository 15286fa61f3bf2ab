package redistest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"slices"
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
	options session.Options
	objects *s3backend.Backend
	ahead   atomic.Int64 // nanoseconds; the stores' time is so much ahead
}

func newStack(t *testing.T, redisURL string, store testserver.Store) *stack {
	t.Helper()
	return &stack{redis: mustConnect(t, redisURL), objects: teststore.Open(t, store)}
}

func mustConnect(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	client, err := session.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// engine keeps tails of up to tail bytes in Redis.
func (s *stack) engine(tail int64) *upload.Engine {
	by := func() time.Duration { return time.Duration(s.ahead.Load()) }
	s.options.Ahead = by
	c := teststore.Config(session.New(s.redis, s.options), teststore.Aged(s.objects, by))
	c.TailInSessions = tail
	return upload.New(c)
}

// open counts the multipart uploads at the staging key of an upload.
func (s *stack) open(t *testing.T, id string) int {
	t.Helper()
	ids, err := s.objects.Multiparts(t.Context(), staging+id+"/object")
	if err != nil {
		t.Fatal(err)
	}
	return len(ids)
}

// wantObjects checks that these are all there is in the bucket.
func (s *stack) wantObjects(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := teststore.Keys(t, s.objects, ""); !slices.Equal(got, want) {
		t.Errorf("objects are %q, want %q", got, want)
	}
}

// sender is a client that sends a file and does as it is told.
type sender struct {
	*stack
	engine *upload.Engine
	file   []byte
	told   upload.Status // the last answer that was no error
}

// sender begins with another file of size bytes each time.
func (s *stack) sender(e *upload.Engine, size int) *sender {
	c := &sender{stack: s, engine: e, file: make([]byte, size)}
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	_, _ = rand.NewChaCha8(seed).Read(c.file)
	return c
}

// send sends the next size bytes, or as many as there are.
func (c *sender) send(t *testing.T, size int) error {
	t.Helper()
	rest := c.file[c.told.Offset:]
	chunk := rest[:min(size, len(rest))]
	status, err := c.engine.Append(t.Context(), upload.Chunk{
		Owner: owner, ID: c.told.ID, Offset: c.told.Offset, Length: int64(len(chunk)), Body: bytes.NewReader(chunk),
	})
	if err != nil {
		return err
	}
	if want := c.told.Offset + int64(len(chunk)); status.Offset != want {
		t.Fatalf("the upload ends at %d, want %d", status.Offset, want)
	}
	c.told = status
	return nil
}

// mustSend does so until the chunk is stored, however long replicas take.
func (c *sender) mustSend(t *testing.T, size int) {
	t.Helper()
	to := min(c.told.Offset+int64(size), int64(len(c.file)))
	if err := c.patiently(t, func() error {
		err := c.send(t, size)
		var stored *upload.OffsetError
		if c.options.Replicas > 0 && errors.As(err, &stored) && stored.Want == to { // by a try that was not acknowledged
			c.told.Offset = to
			return nil
		}
		return err
	}); err != nil {
		t.Fatalf("send %d bytes at %d: %v", size, c.told.Offset, err)
	}
}

// patiently repeats a call that no replica has acknowledged in time, as on a loaded
// machine.
func (c *sender) patiently(t *testing.T, call func() error) (err error) {
	t.Helper()
	await(t, "replicas to acknowledge", func() bool {
		err = call()
		return c.options.Replicas == 0 || !errors.Is(err, upload.ErrUnavailable)
	})
	return err
}

// commit commits to key.
func (c *sender) commit(t *testing.T, key string) (upload.Object, error) {
	t.Helper()
	return c.engine.Commit(t.Context(), upload.CommitRequest{
		Owner: owner, ID: c.told.ID, Terms: key, Key: func(n int) (string, bool) { return key, n == 0 },
	})
}

// finish sends the rest, commits twice, and looks at the object.
func (c *sender) finish(t *testing.T, key string) {
	t.Helper()
	c.mustSend(t, len(c.file))
	first := c.mustCommit(t, key)
	again := c.mustCommit(t, key)
	if again.ETag != first.ETag || again.Size != first.Size || first.Size != int64(len(c.file)) {
		t.Errorf("commit answers %+v and then %+v, want %d bytes twice", first, again, len(c.file))
	}
	if teststore.SHA256(t, c.objects, key) != sha256.Sum256(c.file) {
		t.Errorf("object %q is not the file", key)
	}
}

func (c *sender) mustCommit(t *testing.T, key string) upload.Object {
	t.Helper()
	var o upload.Object
	if err := c.patiently(t, func() (err error) { o, err = c.commit(t, key); return err }); err != nil {
		t.Fatalf("commit %q: %v", key, err)
	}
	return o
}

// wantTold checks that the upload is where the client was told it is.
func (c *sender) wantTold(t *testing.T) {
	t.Helper()
	var status upload.Status
	err := c.patiently(t, func() (err error) { status, err = c.engine.Status(t.Context(), owner, c.told.ID); return err })
	if err != nil || status.Offset != c.told.Offset {
		t.Errorf("the upload ends at %d (%v), want %d", status.Offset, err, c.told.Offset)
	}
}

// await polls until a condition holds; a minute without it fails the test.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited a minute for %s", what)
		case <-tick.C:
		}
	}
}
