// Package teststore looks into a test's object store past the program under
// test.
package teststore

import (
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// Open opens the bucket of s.
func Open(tb testing.TB, s testserver.Store) *s3backend.Backend {
	tb.Helper()
	b, err := s3backend.New(tb.Context(), s3backend.Config{
		Endpoint: s.Endpoint, Bucket: s.Bucket, PathStyle: true,
		AccessKey: s.AccessKey, SecretKey: s.SecretKey,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Config is of an engine over the real stores, set as the program is by default.
func Config(sessions upload.Sessions, objects upload.Objects) upload.Config {
	return upload.Config{
		Sessions: sessions, Objects: objects, Limits: upload.S3Limits(),
		TTL: 48 * time.Hour, StagingPrefix: ".chunkgate/", TailInSessions: 8 << 20, BufferMemory: 64 << 20,
	}
}

// Aged is a store in which everything lies for longer than it does.
func Aged(objects upload.Objects, by func() time.Duration) upload.Objects { return aged{objects, by} }

type aged struct {
	upload.Objects
	by func() time.Duration
}

func (a aged) Staged(ctx context.Context, prefix string) iter.Seq2[upload.Staged, error] {
	return func(yield func(upload.Staged, error) bool) {
		for s, err := range a.Objects.Staged(ctx, prefix) {
			s.Age += a.by()
			if !yield(s, err) {
				return
			}
		}
	}
}

// SHA256 reads an object; that there is none fails the test.
func SHA256(tb testing.TB, b *s3backend.Backend, key string) [sha256.Size]byte {
	tb.Helper()
	o, err := b.Head(tb.Context(), key)
	if err != nil {
		tb.Fatalf("look at %q in the store: %v", key, err)
	}
	body, err := b.Get(tb.Context(), key, o.Size)
	if err != nil {
		tb.Fatalf("read %q from the store: %v", key, err)
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		tb.Fatalf("read %q from the store: %v", key, err)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}

// Keys are those that begin with prefix, in order.
func Keys(tb testing.TB, b *s3backend.Backend, prefix string) []string {
	tb.Helper()
	var keys []string
	for key, err := range b.List(tb.Context(), prefix) {
		if err != nil {
			tb.Fatalf("list the store: %v", err)
		}
		keys = append(keys, key)
	}
	return keys
}
