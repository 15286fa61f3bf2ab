package uploadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// testPut: an object of any size from none, with its attributes, replaces
// what was there.
func testPut(c *objectsCase) {
	key := c.key("object")
	for _, content := range [][]byte{random(1, 1000), {}, random(2, 2<<20+1), {7}} {
		made, err := c.Put(c.Context(), key, int64(len(content)), stream(content),
			upload.Attributes{ContentType: "text/plain", Upload: "upload-2"}, upload.Condition{})
		if err != nil {
			c.Fatalf("put %d bytes: %v", len(content), err)
		}
		if made.Key != key || made.Size != int64(len(content)) || !quoted(made.ETag) {
			c.Errorf("got %+v, want key %q, %d bytes, a quoted ETag", made, key, len(content))
		}
		seen, err := c.Head(c.Context(), key)
		if err != nil {
			c.Fatalf("head: %v", err)
		}
		if found, err := c.Find(c.Context(), key); err != nil || found != seen {
			c.Errorf("find: got %+v, %v, want %+v as head says", found, err, seen)
		}
		if _, err := c.Get(c.Context(), key, made.Size+1); !errors.Is(err, upload.ErrUnavailable) {
			c.Errorf("get of another size: got %v, want %v", err, upload.ErrUnavailable)
		}
		if seen.Size != made.Size || seen.ETag != made.ETag || seen.Upload != "upload-2" || seen.Modified.IsZero() {
			c.Errorf("got %+v, want that of %+v, made by upload-2 some time", seen, made)
		}
		c.wantContent(key, content)
	}
	c.mustPut(key, []byte("made by nobody"))
	if seen, err := c.Head(c.Context(), key); err != nil || seen.Upload != "" {
		c.Errorf("got %+v, %v, want no upload", seen, err)
	}
}

// testMissing: what is not there is ErrNotExist.
func testMissing(c *objectsCase) {
	key := c.key("nothing")
	_, err := c.Get(c.Context(), key, 1)
	c.wantError(err, upload.ErrNotExist)
	_, err = c.Head(c.Context(), key)
	c.wantError(err, upload.ErrNotExist)
	_, err = c.Find(c.Context(), key)
	c.wantError(err, upload.ErrNotExist)
	if ids, err := c.Multiparts(c.Context(), key); err != nil || len(ids) > 0 {
		c.Errorf("got multiparts %v, %v, want none", ids, err)
	}
	if err := c.Ping(c.Context()); err != nil {
		c.Errorf("ping: %v", err)
	}
}

// testDelete: one, many, none, and such that are not there.
func testDelete(c *objectsCase) {
	stay := c.key("stay")
	c.mustPut(stay, []byte("stay"))
	if err := c.Delete(c.Context()); err != nil {
		c.Fatalf("delete nothing: %v", err)
	}
	c.mustPut(c.key("one"), []byte("one"))
	for range 2 {
		if err := c.Delete(c.Context(), c.key("one")); err != nil {
			c.Fatalf("delete one: %v", err)
		}
		c.wantNone(c.key("one"))
	}
	// More than S3's limit of 1,000 in one call.
	var keys []string
	for i := range 1002 {
		keys = append(keys, c.key(fmt.Sprintf("many & more <%04d>", i)))
	}
	for _, i := range []int{0, 500, 1001} {
		c.mustPut(keys[i], []byte("many"))
	}
	if err := c.Delete(c.Context(), keys...); err != nil {
		c.Fatalf("delete %d: %v", len(keys), err)
	}
	c.wantKeys(c.prefix, stay)
}

// testList: in order of bytes, below a prefix that need not end in a slash.
func testList(c *objectsCase) {
	var keys []string
	for _, name := range []string{"a/1", "a/2", "a/20", "a/Z", "a/z", "b"} {
		keys = append(keys, c.key(name))
	}
	for _, key := range slices.Backward(keys) {
		c.mustPut(key, []byte("x"))
	}
	c.wantKeys(c.prefix, keys...)
	c.wantKeys(c.key("a/2"), keys[1:3]...)
	c.wantKeys(c.key("c"))
	for key, err := range c.List(c.Context(), c.prefix) {
		if err != nil || key != keys[0] {
			c.Fatalf("got %q, %v first, want %q", key, err, keys[0])
		}
		break
	}
}

// testStaged: objects below the prefix, each with its age. Multipart uploads may
// be among them, also where they were opened elsewhere at the same time, but
// not those outside the prefix.
func testStaged(c *objectsCase) {
	c.mustPut(c.key("in/object"), []byte("x"))
	c.mustPut(c.key("out"), []byte("x"))
	open := []upload.Multipart{
		c.mustCreate(c.key("in/multipart"), upload.Attributes{}),
		c.mustCreate(c.key("out/multipart"), upload.Attributes{}),
	}
	var got []string
	for s, err := range c.Staged(c.Context(), c.key("in/")) {
		if err != nil {
			c.Fatalf("staged: %v", err)
		}
		if s.Age.Abs() > time.Minute {
			c.Errorf("%s is there for %v", s.Key, s.Age)
		}
		got = append(got, s.Key)
	}
	slices.Sort(got)
	all, some := []string{c.key("in/multipart"), c.key("in/object")}, []string{c.key("in/object")}
	if !slices.Equal(got, all) && !slices.Equal(got, some) {
		c.Errorf("got %q, want %q, or without the multipart upload", got, all)
	}
	for _, m := range open {
		c.mustAbort(m)
	}
}

func (c *objectsCase) wantKeys(prefix string, want ...string) {
	c.Helper()
	var got []string
	for key, err := range c.List(c.Context(), prefix) {
		if err != nil {
			c.Fatalf("list %q: %v", prefix, err)
		}
		got = append(got, key)
	}
	if !slices.Equal(got, want) {
		c.Errorf("got keys %q below %q, want %q", got, prefix, want)
	}
}

// testOddKeys: clients choose names as they like, and every call means the
// same object by them.
func testOddKeys(c *objectsCase) {
	names := []string{
		"with space", "a+b", "100%", "%2F", "%20 %", "é ü 漢字 🎈", "a&b=c", `"quoted" 'too'`,
		"semi;colon", "comma,", "question?mark", "hash#", "at@tilde~", "(brackets)[]{}", "<tag>", "$!*:|^`",
	}
	for _, name := range names {
		key := c.key(name)
		content := []byte("content of " + name)
		c.mustPut(key, content)
		c.wantContent(key, content)
		c.wantKeys(key, key)

		m := c.mustCreate(key+" copy", upload.Attributes{})
		p, err := c.CopyPart(c.Context(), m, 1, key, 0, int64(len(content)))
		if err != nil {
			c.Fatalf("copy %q: %v", key, err)
		}
		if ids, err := c.Multiparts(c.Context(), m.Key); err != nil || !slices.Equal(ids, []string{m.ID}) {
			c.Fatalf("got multiparts %v, %v of %q, want %v", ids, err, m.Key, m.ID)
		}
		c.mustComplete(m, upload.Condition{}, p)
		c.wantContent(m.Key, content)
		if err := c.Delete(c.Context(), key, m.Key); err != nil {
			c.Fatalf("delete %q: %v", key, err)
		}
		c.wantNone(key)
		c.wantNone(m.Key)
	}
}

// testContext: a caller that gives up hears its own context's error.
func testContext(c *objectsCase) {
	ctx, cancel := context.WithCancel(c.Context())
	m := c.mustCreate(c.key("object"), upload.Attributes{})
	cancel()
	_, err := c.UploadPart(ctx, m, 1, 1, stream([]byte{1}))
	c.wantError(err, context.Canceled)
	_, err = c.Put(ctx, m.Key, 1, bytes.NewReader([]byte{1}), upload.Attributes{}, upload.Condition{})
	c.wantError(err, context.Canceled)
	_, err = c.Get(ctx, m.Key, 1)
	c.wantError(err, context.Canceled)
	_, err = c.Head(ctx, m.Key)
	c.wantError(err, context.Canceled)
	_, err = c.Find(ctx, m.Key)
	c.wantError(err, context.Canceled)
	for _, err := range c.List(ctx, c.prefix) {
		c.wantError(err, context.Canceled)
	}
	c.mustAbort(m)
	c.wantNone(m.Key)
}
