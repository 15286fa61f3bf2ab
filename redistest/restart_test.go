package redistest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/upload"
)

// TestRestart takes a Redis without persistence away in mid-upload. The client
// hears 404 and starts again. What the first upload had in the object store is
// found there when it is older than any upload, as far as the store lists it:
// MinIO lists objects, and multipart uploads by their exact key only.
func TestRestart(t *testing.T) {
	server := testserver.StartRedis(t)
	s := newStack(t, server.URL, testserver.MinIO(t))
	e := s.engine(8 * mib)
	inRedis, inObjects := s.sender(e, 8*mib), s.sender(s.engine(0), 8*mib)
	for _, c := range []*sender{inRedis, inObjects} {
		c.mustSend(t, 6*mib)
		c.mustSend(t, mib)
	}

	server.Restart(t)
	for _, c := range []*sender{inRedis, inObjects} {
		c.wantForgotten(t)
		again := s.sender(c.engine, 0)
		again.file = c.file
		again.mustSend(t, 6*mib)
		again.finish(t, "file "+c.told.ID)
	}

	if n, err := e.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("freed %d uploads (%v), want none: their deadlines are lost", n, err)
	}
	for _, c := range []*sender{inRedis, inObjects} {
		if n := s.open(t, c.told.ID); n != 1 {
			t.Errorf("%d multipart uploads of the first try are open, want 1", n)
		}
	}
	tail := staging + inObjects.told.ID + "/tail/"
	if left := teststore.Keys(t, s.objects, staging); len(left) != 1 || !strings.HasPrefix(left[0], tail) {
		t.Errorf("left: %q, want the one tail under %q", left, tail)
	}

	s.ahead.Store(int64(73 * time.Hour))
	if n, err := e.Orphans(t.Context()); n != 1 || err != nil {
		t.Errorf("found %d orphans (%v), want the one with a tail in the object store", n, err)
	}
	if _, err := e.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if left := teststore.Keys(t, s.objects, staging); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	if n := s.open(t, inObjects.told.ID); n > 0 {
		t.Errorf("%d multipart uploads of the orphan are open", n)
	}
}

// TestStaleUploads makes sure of the second net on MinIO, which lists multipart
// uploads by their exact key only, so that no sweeper finds those whose record
// is lost: its own expiry frees them.
func TestStaleUploads(t *testing.T) {
	server := testserver.StartRedis(t)
	s := newStack(t, server.URL, testserver.MinIO(t,
		"MINIO_API_STALE_UPLOADS_EXPIRY=15s", "MINIO_API_STALE_UPLOADS_CLEANUP_INTERVAL=1s"))
	c := s.sender(s.engine(8*mib), 8*mib)
	c.mustSend(t, 6*mib)
	if n := s.open(t, c.told.ID); n != 1 {
		t.Fatalf("%d multipart uploads are open, want 1", n)
	}
	server.Restart(t)
	c.wantForgotten(t)
	await(t, "MinIO to free the upload", func() bool { return s.open(t, c.told.ID) == 0 })
}

// wantForgotten checks that the upload does not exist to its client.
func (c *sender) wantForgotten(t *testing.T) {
	t.Helper()
	if _, err := c.engine.Status(t.Context(), owner, c.told.ID); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("status: got %v, want %v", err, upload.ErrNotFound)
	}
	if err := c.send(t, mib); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("send: got %v, want %v", err, upload.ErrNotFound)
	}
	_, err := c.engine.Commit(t.Context(), upload.CommitRequest{
		Owner: owner, ID: c.told.ID, Key: func(int) (string, bool) { return "lost", true },
	})
	if !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("commit: got %v, want %v", err, upload.ErrNotFound)
	}
}
