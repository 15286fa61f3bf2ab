package upload_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// numbered counts the uses of every part number.
type numbered struct {
	upload.Objects
	mu   sync.Mutex
	used map[int]int
}

func (n *numbered) UploadPart(ctx context.Context, m upload.Multipart, number int, size int64, body io.Reader) (upload.Part, error) {
	n.mu.Lock()
	n.used[number]++
	n.mu.Unlock()
	return n.Objects.UploadPart(ctx, m, number, size, body)
}

// TestNumbersAfterFailover lets attempts draw and use more part numbers than any
// fixed distance covers before a replica that missed them all takes over: none
// of them is given out again, or a late request could replace a listed part.
func TestNumbersAfterFailover(t *testing.T) {
	seen := &numbered{used: map[int]int{}}
	l := newLab(func(c *upload.Config) {
		c.Limits.EqualPart = 50
		seen.Objects, c.Objects = c.Objects, seen
	})
	head, chunk := content(1, 130), content(2, 1500)
	id := l.mustPut(t, "", 0, head).ID
	takeOver := l.sessions.Replica()
	for range 4 { // 30 numbers each
		_, err := l.Append(t.Context(), upload.Chunk{
			Owner: owner, ID: id, Offset: 130, Length: int64(len(chunk)), Body: bytes.NewReader(chunk[:1490]),
		})
		if !errors.Is(err, upload.ErrShortBody) {
			t.Fatal(err)
		}
	}
	takeOver()
	calls := l.objects.Calls(uploadtest.OpHighestPart)
	l.mustPut(t, id, 130, chunk)
	l.mustPut(t, id, 1630, content(3, 70))
	if got := l.objects.Calls(uploadtest.OpHighestPart) - calls; got != 1 {
		t.Errorf("the store was asked for its highest part %d times, want once", got)
	}
	l.mustCommit(t, id, "file")
	l.wantObject(t, "file", slices.Concat(head, chunk, content(3, 70)))
	for n, times := range seen.used {
		if times > 1 {
			t.Errorf("part number %d was used %d times", n, times)
		}
	}
}

// TestRenewUnavailable: as long as the store does not say which numbers are in
// use, no part is sent, and the upload goes on when it does.
func TestRenewUnavailable(t *testing.T) {
	l := newLab()
	head, next := content(1, 130), content(2, 70)
	id := l.mustPut(t, "", 0, head).ID
	l.sessions.Replica()()
	l.objects.Fault = func(op, _ string) error {
		if op == uploadtest.OpHighestPart {
			return upload.ErrUnavailable
		}
		return nil
	}
	if _, err := l.put(id, 130, next); !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
	}
	l.objects.Fault = nil
	l.mustPut(t, id, 130, next)
	l.mustCommit(t, id, "file")
	l.wantObject(t, "file", slices.Concat(head, next))
}

// TestPartsEvicted loses the list of parts, as a session store that evicts does:
// the record proves it, and both a chunk and a commit are told so at once.
func TestPartsEvicted(t *testing.T) {
	l := newLab()
	id := l.mustPut(t, "", 0, content(1, 130)).ID
	l.sessions.LoseParts(id)
	if _, err := l.put(id, 130, content(2, 70)); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("chunk: got %v, want %v", err, upload.ErrNotFound)
	}
	if _, err := l.commit(id, "file"); !errors.Is(err, upload.ErrNotFound) {
		t.Errorf("commit: got %v, want %v", err, upload.ErrNotFound)
	}
	if got := l.objects.Keys(); len(got) > 0 {
		t.Errorf("objects are %q, want none", got)
	}
}
