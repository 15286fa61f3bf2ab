package uploadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// TestFiles checks an upload.Files against the interface's contract, as far as
// TestObjects does not. open is called once a case; the stores may share a
// bucket. A store with habits is held to these instead.
func TestFiles(t *testing.T, open func(t *testing.T) upload.Files, habits ...Habit) {
	cases := []struct {
		name string
		run  func(*filesCase)
	}{
		{"type", testType},
		{"read", testRead},
		{"read_version", testReadVersion},
		{"read_missing", testReadMissing},
		{"read_long", testReadLong},
		{"folder", testFolder},
		{"folder_order", testFolderOrder},
		{"folder_marker", testFolderMarker},
		{"folder_pages", testFolderPages},
		{"folder_odd_keys", testFolderOddKeys},
		{"tree", testTree},
		{"files_context", testFilesContext},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fc := &filesCase{T: t, Files: open(t), habits: habits, prefix: fmt.Sprintf("%s-%d/", c.name, time.Now().UnixNano())}
			t.Cleanup(fc.leaveNothing)
			c.run(fc)
		})
	}
}

// filesCase is a store under test, with steps that must succeed.
type filesCase struct {
	*testing.T
	upload.Files
	habits []Habit
	prefix string
}

// Habit is something that a store does otherwise than S3 (docs/stores.md). One
// that has lost it fails, too.
type Habit string

// The habits that are known.
const (
	// BackslashIsSlash: a key with a backslash means another one, with a slash.
	BackslashIsSlash Habit = "a backslash is a slash"
	// FoldersLinger: a folder is listed for minutes after all in it was deleted.
	FoldersLinger Habit = "empty folders linger"
)

func (c *filesCase) has(h Habit) bool { return slices.Contains(c.habits, h) }

// key is one that no other case uses.
func (c *filesCase) key(name string) string { return c.prefix + name }

func (c *filesCase) leaveNothing() {
	ctx := context.Background() // the test's own has ended
	var left []string
	for key, err := range c.List(ctx, c.prefix) {
		if err != nil {
			c.Errorf("list what is left: %v", err)
			return
		}
		left = append(left, key)
	}
	if err := c.Delete(ctx, left...); err != nil {
		c.Errorf("delete what is left: %v", err)
	}
}

func (c *filesCase) mustPut(key string, content []byte) upload.Object {
	c.Helper()
	o, err := c.Put(c.Context(), key, int64(len(content)), bytes.NewReader(content),
		upload.Attributes{ContentType: "text/x-go"}, upload.Condition{})
	if err != nil {
		c.Fatalf("put %q: %v", key, err)
	}
	return o
}

// wantRange reads a part of an object of this version.
func (c *filesCase) wantRange(o upload.Object, offset int64, want []byte) {
	c.Helper()
	for _, etag := range []string{o.ETag, ""} {
		r, err := c.Read(c.Context(), o.Key, etag, offset, int64(len(want)))
		if err != nil {
			c.Fatalf("read %d bytes at %d: %v", len(want), offset, err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			c.Fatalf("read %d bytes at %d: %v", len(want), offset, err)
		}
		if !bytes.Equal(got, want) {
			c.Fatalf("got %d bytes at %d, want %d others", len(got), offset, len(want))
		}
	}
}

func (c *filesCase) wantGone(key, etag string) {
	c.Helper()
	if _, err := c.Read(c.Context(), key, etag, 0, 1); !errors.Is(err, upload.ErrNotExist) {
		c.Errorf("read %q of version %s: got %v, want %v", key, etag, err, upload.ErrNotExist)
	}
}

// wantFolder lists a folder; names that end in a slash are folders.
func (c *filesCase) wantFolder(prefix string, want ...string) {
	c.Helper()
	var got []string
	for e, err := range c.Folder(c.Context(), prefix) {
		if err != nil {
			c.Fatalf("folder %q: %v", prefix, err)
		}
		if e.Folder != (e.Key[len(e.Key)-1] == '/') {
			c.Errorf("got entry %+v, want a folder exactly if its key ends in a slash", e)
		}
		got = append(got, e.Key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.Errorf("folder %q (-want +got):\n%s", prefix, diff)
	}
}
