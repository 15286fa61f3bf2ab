package uploadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// partSize is S3's least size of a part that is not the last, in bytes.
const partSize = 5 << 20

// TestObjects checks an upload.Objects against the interface's contract. open
// is called once a case; the stores may share a bucket.
func TestObjects(t *testing.T, open func(t *testing.T) upload.Objects) {
	cases := []struct {
		name string
		run  func(*objectsCase)
	}{
		{"multipart", testMultipart},
		{"part_list", testPartList},
		{"complete_twice", testCompleteTwice},
		{"abort", testAbort},
		{"multiparts_of_key", testMultipartsOfKey},
		{"highest_part", testHighestPart},
		{"copy_part", testCopyPart},
		{"put", testPut},
		{"put_condition", testPutCondition},
		{"complete_condition", testCompleteCondition},
		{"put_race", testPutRace},
		{"complete_race", testCompleteRace},
		{"body_short", testBodyShort},
		{"body_error", testBodyError},
		{"body_long", testBodyLong},
		{"missing", testMissing},
		{"delete", testDelete},
		{"list", testList},
		{"staged", testStaged},
		{"odd_keys", testOddKeys},
		{"context", testContext},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			oc := &objectsCase{T: t, Objects: open(t), prefix: fmt.Sprintf("%s-%d/", c.name, time.Now().UnixNano())}
			t.Cleanup(oc.leaveNothing)
			c.run(oc)
		})
	}
}

// objectsCase is a store under test, with steps that must succeed.
type objectsCase struct {
	*testing.T
	upload.Objects
	prefix string
	keys   []string // those a multipart upload was opened at
}

// key is one that no other case uses.
func (c *objectsCase) key(name string) string { return c.prefix + name }

// leaveNothing fails a case that left a multipart upload open.
func (c *objectsCase) leaveNothing() {
	ctx := context.Background() // the test's own has ended
	for _, key := range c.keys {
		ids, err := c.Multiparts(ctx, key)
		if err != nil || len(ids) > 0 {
			c.Errorf("multipart uploads left at %q: %v, %v", key, ids, err)
		}
	}
	for key, err := range c.List(ctx, c.prefix) {
		if err != nil {
			c.Errorf("list what is left: %v", err)
			return
		}
		if err := c.Delete(ctx, key); err != nil {
			c.Errorf("delete what is left: %v", err)
		}
	}
}

func (c *objectsCase) mustCreate(key string, a upload.Attributes) upload.Multipart {
	c.Helper()
	m, err := c.CreateMultipart(c.Context(), key, a)
	if err != nil {
		c.Fatalf("create multipart at %q: %v", key, err)
	}
	if m.Key != key || m.ID == "" {
		c.Fatalf("got multipart %+v, want one at %q with an id", m, key)
	}
	c.keys = append(c.keys, key)
	return m
}

func (c *objectsCase) mustUpload(m upload.Multipart, number int, content []byte) upload.Part {
	c.Helper()
	p, err := c.UploadPart(c.Context(), m, number, int64(len(content)), stream(content))
	if err != nil {
		c.Fatalf("upload part %d: %v", number, err)
	}
	if p.Number != number || p.Size != int64(len(content)) || !quoted(p.ETag) {
		c.Fatalf("got part %+v, want number %d, size %d, a quoted ETag", p, number, len(content))
	}
	return p
}

func (c *objectsCase) mustComplete(m upload.Multipart, cond upload.Condition, parts ...upload.Part) upload.Object {
	c.Helper()
	obj, err := c.Complete(c.Context(), m, parts, cond)
	if err != nil {
		c.Fatalf("complete %q: %v", m.Key, err)
	}
	return obj
}

func (c *objectsCase) mustAbort(m upload.Multipart) {
	c.Helper()
	if err := c.Abort(c.Context(), m); err != nil {
		c.Fatalf("abort %q: %v", m.Key, err)
	}
}

func (c *objectsCase) mustPut(key string, content []byte) upload.Object {
	c.Helper()
	obj, err := c.Put(c.Context(), key, int64(len(content)), bytes.NewReader(content), upload.Attributes{}, upload.Condition{})
	if err != nil {
		c.Fatalf("put %q: %v", key, err)
	}
	return obj
}

// wantContent reads an object back.
func (c *objectsCase) wantContent(key string, want []byte) {
	c.Helper()
	r, err := c.Get(c.Context(), key, int64(len(want)))
	if err != nil {
		c.Fatalf("get %q: %v", key, err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		c.Fatalf("read %q: %v", key, err)
	}
	if !bytes.Equal(got, want) {
		c.Fatalf("got %d bytes at %q, want %d others", len(got), key, len(want))
	}
}

// wantNone makes sure that there is no object.
func (c *objectsCase) wantNone(key string) {
	c.Helper()
	_, err := c.Head(c.Context(), key)
	c.wantError(err, upload.ErrNotExist)
	_, err = c.Find(c.Context(), key)
	c.wantError(err, upload.ErrNotExist)
}

func (c *objectsCase) wantError(got, want error) {
	c.Helper()
	if !errors.Is(got, want) {
		c.Fatalf("got error %v, want %v", got, want)
	}
}

// wantRefused makes sure of an error that no method names: the request makes
// no sense to the store.
func (c *objectsCase) wantRefused(err error) {
	c.Helper()
	if err == nil || errors.Is(err, upload.ErrNotExist) || errors.Is(err, upload.ErrConflict) || errors.Is(err, upload.ErrUnavailable) ||
		errors.Is(err, upload.ErrNoPart) {
		c.Fatalf("got error %v, want an unnamed one", err)
	}
}

// random is content that does not repeat and is the same in every run.
func random(seed uint64, size int) []byte {
	content := make([]byte, size)
	for i := range content {
		seed = seed*6364136223846793005 + 1442695040888963407
		content[i] = byte(seed >> 56)
	}
	return content
}

// stream hides that content is in memory.
func stream(content []byte) io.Reader { return io.MultiReader(bytes.NewReader(content)) }

func quoted(etag string) bool {
	return len(etag) > 2 && strings.HasPrefix(etag, `"`) && strings.HasSuffix(etag, `"`)
}
