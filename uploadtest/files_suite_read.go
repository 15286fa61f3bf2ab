package uploadtest

import (
	"context"
	"errors"
	"io"
)

// testType: the type of an object that is looked up is the one it was made with.
func testType(c *filesCase) {
	for _, size := range []int{0, 1000} {
		made := c.mustPut(c.key("object.go"), random(1, size))
		seen, err := c.Head(c.Context(), made.Key)
		if err != nil || seen.Type != "text/x-go" {
			c.Errorf("got type %q, %v of %d bytes, want text/x-go", seen.Type, err, size)
		}
	}
}

// testRead: any run of bytes can be read, of an object that was made at once.
func testRead(c *filesCase) {
	content := random(1, 100_000)
	o := c.mustPut(c.key("object"), content)
	for _, r := range [][2]int{{0, 1}, {0, 100_000}, {0, 99_999}, {1, 99_999}, {99_999, 1}, {4096, 50_000}} {
		c.wantRange(o, int64(r[0]), content[r[0]:r[0]+r[1]])
	}
}

// testReadVersion: a version that was replaced is not there any more, even if
// it has the same size.
func testReadVersion(c *filesCase) {
	key := c.key("object")
	old := c.mustPut(key, []byte("old"))
	c.wantRange(old, 0, []byte("old"))
	now := c.mustPut(key, []byte("new"))
	c.wantGone(key, old.ETag)
	c.wantRange(now, 0, []byte("new"))
}

func testReadMissing(c *filesCase) {
	o := c.mustPut(c.key("object"), []byte("x"))
	for _, etag := range []string{"", o.ETag} {
		c.wantGone(c.key("nothing"), etag)
	}
	if err := c.Delete(c.Context(), o.Key); err != nil {
		c.Fatalf("delete: %v", err)
	}
	c.wantGone(o.Key, o.ETag)
}

// testReadLong: a reader may stop where it likes, and go on later.
func testReadLong(c *filesCase) {
	content := random(1, 8<<20)
	o := c.mustPut(c.key("object"), content)
	c.wantRange(o, 1<<20, content[1<<20:])
	r, err := c.Read(c.Context(), o.Key, o.ETag, 0, o.Size)
	if err != nil {
		c.Fatalf("read: %v", err)
	}
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		c.Errorf("read the first bytes: %v", err)
	}
	if err := r.Close(); err != nil {
		c.Errorf("close early: %v", err)
	}
}

// testFilesContext: a caller that gives up hears its own context's error.
func testFilesContext(c *filesCase) {
	o := c.mustPut(c.key("object"), []byte("x"))
	ctx, cancel := context.WithCancel(c.Context())
	cancel()
	if _, err := c.Read(ctx, o.Key, o.ETag, 0, 1); !errors.Is(err, context.Canceled) {
		c.Errorf("read: got %v, want %v", err, context.Canceled)
	}
	listed := false
	for _, err := range c.Folder(ctx, c.prefix) {
		listed = true
		if !errors.Is(err, context.Canceled) {
			c.Errorf("folder: got %v, want %v", err, context.Canceled)
		}
	}
	if !listed {
		c.Error("folder: got no error")
	}
}
