package uploadtest

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/chunkgate/chunkgate/upload"
)

// testMultipart: numbers may have gaps, parts may be sent at once, and what is
// not listed does not count.
func testMultipart(c *objectsCase) {
	key := c.key("object")
	m := c.mustCreate(key, upload.Attributes{ContentType: "text/plain", Upload: "upload-1"})
	contents := [][]byte{random(1, partSize), random(2, partSize+1), random(3, 3)}
	unlisted := c.mustUpload(m, 7, random(4, 10))
	parts := make([]upload.Part, len(contents))
	var sending sync.WaitGroup
	for i, content := range contents {
		sending.Go(func() {
			p, err := c.UploadPart(c.Context(), m, 1+4*i, int64(len(content)), stream(content))
			if err != nil {
				c.Errorf("upload part %d: %v", 1+4*i, err)
			}
			parts[i] = p
		})
	}
	sending.Wait()
	c.wantNone(key)

	before, err := c.Multiparts(c.Context(), key)
	if err != nil || !slices.Equal(before, []string{m.ID}) {
		c.Fatalf("got multiparts %v, %v, want %v", before, err, m.ID)
	}
	whole := bytes.Join(contents, nil)
	made := c.mustComplete(m, upload.Condition{}, parts...)
	if made.Key != key || made.Size != int64(len(whole)) || !quoted(made.ETag) {
		c.Errorf("got %+v, want key %q, %d bytes, a quoted ETag", made, key, len(whole))
	}
	c.wantContent(key, whole)
	seen, err := c.Head(c.Context(), key)
	if err != nil {
		c.Fatalf("head: %v", err)
	}
	if seen.Key != key || seen.Size != made.Size || seen.ETag != made.ETag || seen.Upload != "upload-1" || seen.Modified.IsZero() {
		c.Errorf("got %+v, want that of %+v, made by upload-1 some time", seen, made)
	}
	if unlisted.Number != 7 {
		c.Errorf("got part number %d, want 7", unlisted.Number)
	}
}

// testPartList: a list that the strictest store refuses is refused, and the
// multipart upload lives on.
func testPartList(c *objectsCase) {
	m := c.mustCreate(c.key("object"), upload.Attributes{})
	big, small := random(1, partSize), random(2, 5)
	one, two := c.mustUpload(m, 1, big), c.mustUpload(m, 2, small)
	three := c.mustUpload(m, 3, small)
	stranger := one
	stranger.Number = 4
	changed := two
	changed.ETag = one.ETag
	lists := map[string][]upload.Part{
		"descending": {two, one},
		"twice":      {one, one},
		"too small":  {two, three},
		"none":       {},
	}
	for name, list := range lists {
		if _, err := c.Complete(c.Context(), m, list, upload.Condition{}); err == nil {
			c.Fatalf("list with a part %s: got no error", name)
		} else {
			c.wantRefused(err)
		}
	}
	for _, list := range [][]upload.Part{{one, stranger}, {one, changed}} { // never uploaded, of other content
		_, err := c.Complete(c.Context(), m, list, upload.Condition{})
		c.wantError(err, upload.ErrNoPart)
	}
	c.mustComplete(m, upload.Condition{}, one, two)
	c.wantContent(m.Key, append(big, small...))
}

// testCompleteTwice: stores differ, but none makes a second object.
func testCompleteTwice(c *objectsCase) {
	m := c.mustCreate(c.key("object"), upload.Attributes{})
	p := c.mustUpload(m, 1, []byte("small and alone"))
	first := c.mustComplete(m, upload.Condition{}, p)
	again, err := c.Complete(c.Context(), m, []upload.Part{p}, upload.Condition{})
	if err == nil && again.ETag != first.ETag {
		c.Errorf("got %+v from a second Complete, want %+v", again, first)
	}
	if err != nil {
		c.wantError(err, upload.ErrNotExist)
	}
	c.wantContent(m.Key, []byte("small and alone"))
}

// testAbort: afterwards nothing is there, and aborting again is no error.
func testAbort(c *objectsCase) {
	source := c.key("source")
	c.mustPut(source, []byte("source"))
	m := c.mustCreate(c.key("object"), upload.Attributes{})
	p := c.mustUpload(m, 1, []byte("part"))
	c.mustAbort(m)
	c.mustAbort(m)

	_, err := c.UploadPart(c.Context(), m, 2, 4, stream([]byte("part")))
	c.wantError(err, upload.ErrNotExist)
	_, err = c.CopyPart(c.Context(), m, 3, source, 0, 6)
	c.wantError(err, upload.ErrNotExist)
	_, err = c.Complete(c.Context(), m, []upload.Part{p}, upload.Condition{})
	c.wantError(err, upload.ErrNotExist)
	c.wantNone(m.Key)
}

// testMultipartsOfKey: the key and not a prefix is what counts.
func testMultipartsOfKey(c *objectsCase) {
	key := c.key("object")
	var mine []string
	var all []upload.Multipart
	for range 2 {
		m := c.mustCreate(key, upload.Attributes{})
		mine, all = append(mine, m.ID), append(all, m)
	}
	for _, other := range []string{key + "x", key + "/below", c.key("objec")} {
		all = append(all, c.mustCreate(other, upload.Attributes{}))
	}
	got, err := c.Multiparts(c.Context(), key)
	if err != nil {
		c.Fatalf("multiparts: %v", err)
	}
	slices.Sort(got)
	slices.Sort(mine)
	if !slices.Equal(got, mine) {
		c.Errorf("got %v, want %v", got, mine)
	}
	for _, m := range all {
		c.mustAbort(m)
	}
}

// testHighestPart: what a failover of the session store wants to know.
func testHighestPart(c *objectsCase) {
	m := c.mustCreate(c.key("a"), upload.Attributes{})
	want := func(after, want int) {
		c.Helper()
		if got, err := c.HighestPart(c.Context(), m, after); got != want || err != nil {
			c.Errorf("after %d: got %d, %v, want %d", after, got, err, want)
		}
	}
	want(0, 0)
	want(7, 7)
	for _, n := range []int{3, 9} {
		if _, err := c.UploadPart(c.Context(), m, n, 1, strings.NewReader("x")); err != nil {
			c.Fatalf("upload part: %v", err)
		}
	}
	want(0, 9)
	want(5, 9)
	want(9, 9)
	want(20, 20)
	c.mustAbort(m)
	if _, err := c.HighestPart(c.Context(), m, 0); !errors.Is(err, upload.ErrNotExist) {
		c.Errorf("of one that is gone: got %v, want %v", err, upload.ErrNotExist)
	}
}

// testCopyPart: any range of an object becomes a part.
func testCopyPart(c *objectsCase) {
	source, content := c.key("source"), random(1, partSize+100)
	c.mustPut(source, content)
	m := c.mustCreate(c.key("object"), upload.Attributes{})
	var parts []upload.Part
	for _, r := range []struct{ offset, size int64 }{{3, partSize}, {partSize + 60, 40}} {
		p, err := c.CopyPart(c.Context(), m, len(parts)+2, source, r.offset, r.size)
		if err != nil {
			c.Fatalf("copy %d bytes at %d: %v", r.size, r.offset, err)
		}
		if p.Number != len(parts)+2 || p.Size != r.size || !quoted(p.ETag) {
			c.Errorf("got part %+v, want number %d, size %d, a quoted ETag", p, len(parts)+2, r.size)
		}
		parts = append(parts, p)
	}
	_, err := c.CopyPart(c.Context(), m, 9, c.key("nothing"), 0, 1)
	c.wantError(err, upload.ErrNotExist)
	if _, err := c.CopyPart(c.Context(), m, 9, source, partSize, 101); err == nil || errors.Is(err, upload.ErrNotExist) {
		c.Errorf("copy beyond the end: got %v, want another error", err)
	}
	c.mustComplete(m, upload.Condition{}, parts...)
	c.wantContent(m.Key, append(content[3:partSize+3:partSize+3], content[partSize+60:]...))
}
