package upload_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// lab is an engine over stores in memory, with limits of bytes instead of MiB.
// Tests that wait run in a synctest bubble, where waiting takes no time.
type lab struct {
	*upload.Engine
	sessions *uploadtest.Sessions
	objects  *uploadtest.Objects
	cfg      upload.Config
}

const (
	owner   = "alice"
	staging = ".chunkgate/"
	ttl     = 48 * time.Hour
)

func newLab(change ...func(*upload.Config)) *lab {
	l := &lab{sessions: uploadtest.NewSessions(), objects: uploadtest.NewObjects()}
	l.cfg = upload.Config{
		Sessions: l.sessions, Objects: l.objects,
		Limits: upload.Limits{MinPart: 50, MaxPart: 50_000, MaxParts: 1000, MaxChunk: 200_000, MaxObject: 10 << 20},
		TTL:    ttl, StagingPrefix: staging,
		TailInSessions: 100_000, BufferMemory: 8 << 20,
	}
	for _, f := range change {
		f(&l.cfg)
	}
	l.objects.MinPart = l.cfg.Limits.MinPart
	l.Engine = upload.New(l.cfg)
	return l
}

// replica is another engine over the same stores.
func (l *lab) replica() *lab {
	other := *l
	other.Engine = upload.New(l.cfg)
	return &other
}

// put appends a chunk of known length.
func (l *lab) put(id string, offset int64, chunk []byte) (upload.Status, error) {
	return l.Append(context.Background(), upload.Chunk{
		Owner: owner, ID: id, Offset: offset, Length: int64(len(chunk)), Body: bytes.NewReader(chunk),
	})
}

func (l *lab) mustPut(tb testing.TB, id string, offset int64, chunk []byte) upload.Status {
	tb.Helper()
	s, err := l.put(id, offset, chunk)
	if err != nil {
		tb.Fatalf("append %d bytes at %d: %v", len(chunk), offset, err)
	}
	if want := offset + int64(len(chunk)); s.Offset != want {
		tb.Fatalf("append %d bytes at %d: offset is %d", len(chunk), offset, s.Offset)
	}
	return s
}

// commit names the destination; overwriting, as Dropbox does by default.
func (l *lab) commit(id string, keys ...string) (upload.Object, error) {
	return l.commitIf(id, upload.Condition{}, keys...)
}

func (l *lab) commitIf(id string, c upload.Condition, keys ...string) (upload.Object, error) {
	return l.Commit(context.Background(), upload.CommitRequest{
		Owner: owner, ID: id, Condition: c, ContentType: "text/plain", Terms: fmt.Sprint(keys, c),
		Key: func(n int) (string, bool) {
			if n >= len(keys) {
				return "", false
			}
			return keys[n], true
		},
	})
}

func (l *lab) mustCommit(tb testing.TB, id string, keys ...string) upload.Object {
	tb.Helper()
	o, err := l.commit(id, keys...)
	if err != nil {
		tb.Fatalf("commit to %q: %v", keys, err)
	}
	return o
}

// wantObject checks an object's content.
func (l *lab) wantObject(tb testing.TB, key string, want []byte) {
	tb.Helper()
	got, ok := l.objects.Object(key)
	if !ok {
		tb.Fatalf("there is no object %q; there are %q", key, l.objects.Keys())
	}
	if !bytes.Equal(got, want) {
		tb.Fatalf("object %q has %d bytes, want %d; or they differ", key, len(got), len(want))
	}
}

// wantOnly checks that these objects are all there is: nothing staged, no
// multipart upload that holds parts.
func (l *lab) wantOnly(tb testing.TB, keys ...string) {
	tb.Helper()
	if got := l.objects.Keys(); fmt.Sprint(got) != fmt.Sprint(keys) {
		tb.Errorf("objects are %q, want %q", got, keys)
	}
	if open := l.objects.Filled(); len(open) > 0 {
		tb.Errorf("multipart uploads are open: %v", open)
	}
}

func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}
