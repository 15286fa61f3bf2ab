package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// TestOrphans loses the record of an upload whose bytes are in a multipart
// upload alone. This store lists those by a prefix, as AWS does: so the sweeper
// finds it, where on MinIO the store's own expiry has to.
func TestOrphans(t *testing.T) {
	c := mustStart(t, t.TempDir())
	objects, err := s3backend.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	engine := func(ahead time.Duration) *upload.Engine {
		url, err := startSessions(t.Context()) // another one each time, empty
		if err != nil {
			t.Fatal(err)
		}
		client, err := session.Connect(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		by := func() time.Duration { return ahead }
		return upload.New(upload.Config{
			Sessions: session.New(client, session.Options{Ahead: by}), Objects: teststore.Aged(objects, by), Limits: upload.S3Limits(),
			TTL: 48 * time.Hour, StagingPrefix: ".chunkgate/", TailInSessions: 8 << 20, BufferMemory: 64 << 20,
		})
	}
	chunk := make([]byte, 6<<20)
	status, err := engine(0).Append(t.Context(), upload.Chunk{Owner: "alice", Length: int64(len(chunk)), Body: bytes.NewReader(chunk)})
	if err != nil {
		t.Fatal(err)
	}
	key := ".chunkgate/" + status.ID + "/object"
	if open, err := objects.Multiparts(t.Context(), key); err != nil || len(open) != 1 {
		t.Fatalf("multipart uploads: %q, %v, want one", open, err)
	}

	if n, err := engine(71 * time.Hour).Orphans(t.Context()); n != 0 || err != nil {
		t.Errorf("found %d orphans (%v) that may live by another clock", n, err)
	}
	later := engine(73 * time.Hour)
	if n, err := later.Orphans(t.Context()); n != 1 || err != nil {
		t.Fatalf("found %d orphans (%v), want 1", n, err)
	}
	if n, err := later.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("freed %d (%v), want 1", n, err)
	}
	if open, err := objects.Multiparts(t.Context(), key); err != nil || len(open) != 0 {
		t.Errorf("multipart uploads: %q, %v, want none", open, err)
	}
}
