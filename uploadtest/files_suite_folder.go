package uploadtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chunkgate/chunkgate/upload"
)

// testFolder: what is directly in a folder is told as Head tells it.
func testFolder(c *filesCase) {
	o := c.mustPut(c.key("a/file"), []byte("content"))
	c.mustPut(c.key("a/sub/deep/file"), []byte("x"))
	c.mustPut(c.key("ab"), []byte("x"))
	c.wantFolder(c.key("a/"), c.key("a/file"), c.key("a/sub/"))
	c.wantFolder(c.key("a/sub/"), c.key("a/sub/deep/"))
	c.wantFolder(c.key("nothing/"))
	for e, err := range c.Folder(c.Context(), c.key("a/")) {
		if err != nil {
			c.Fatalf("folder: %v", err)
		}
		seen, err := c.Head(c.Context(), o.Key)
		if err != nil {
			c.Fatalf("head: %v", err)
		}
		seen.Type = "" // only Head tells it
		if diff := cmp.Diff(seen, e.Object); diff != "" {
			c.Errorf("entry (-head +listed):\n%s", diff)
		}
		break
	}
}

// testFolderOrder: files and folders come in one order, that of their keys' bytes.
func testFolderOrder(c *filesCase) {
	names := []string{"A", "a", "a b/", "a-b", "a.b/", "b/", "b0", "c.d", "z/", "é/", "漢"}
	var want []string
	for _, name := range names {
		want = append(want, c.key(name))
	}
	for _, key := range slices.Backward(want) {
		if key[len(key)-1] == '/' {
			key += "file"
		}
		c.mustPut(key, []byte("x"))
	}
	c.wantFolder(c.prefix, want...)
}

// testFolderMarker: an object of no bytes whose key ends in a slash makes a
// folder that may be empty, once; it is itself not in it.
func testFolderMarker(c *filesCase) {
	marker := c.key("empty/")
	mark := func() error {
		_, err := c.Put(c.Context(), marker, 0, bytes.NewReader(nil), upload.Attributes{}, upload.Condition{Absent: true})
		return err
	}
	if err := mark(); err != nil {
		c.Fatalf("put marker: %v", err)
	}
	if err := mark(); !errors.Is(err, upload.ErrConflict) {
		c.Errorf("put marker again: got %v, want %v", err, upload.ErrConflict)
	}
	c.wantFolder(c.prefix, marker)
	c.wantFolder(marker)
	if o, err := c.Head(c.Context(), marker); err != nil || o.Size != 0 {
		c.Errorf("head of marker: got %+v, %v", o, err)
	}
	if _, err := c.Head(c.Context(), c.key("empty")); !errors.Is(err, upload.ErrNotExist) {
		c.Errorf("head of a folder without its slash: got %v, want %v", err, upload.ErrNotExist)
	}
	c.mustPut(marker+"file", []byte("x"))
	c.wantFolder(c.prefix, marker)
	c.wantFolder(marker, marker+"file")

	var keys []string
	for key, err := range c.List(c.Context(), marker) {
		if err != nil {
			c.Fatalf("list: %v", err)
		}
		keys = append(keys, key)
	}
	if diff := cmp.Diff([]string{marker, marker + "file"}, keys); diff != "" {
		c.Errorf("list of a folder (-want +got):\n%s", diff)
	}
	if err := c.Delete(c.Context(), keys...); err != nil {
		c.Fatalf("delete: %v", err)
	}
	if c.has(FoldersLinger) {
		c.wantFolder(c.prefix, marker)
		return
	}
	c.wantFolder(c.prefix)
}

// testFolderPages: there is more in the folder than S3 tells at a time, and
// a page ends among files and among folders.
func testFolderPages(c *filesCase) {
	const entries = 1205
	want := make([]string, entries)
	keys := make(chan string)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for key := range keys {
				if _, err := c.Put(c.Context(), key, 1, bytes.NewReader([]byte("x")), upload.Attributes{}, upload.Condition{}); err != nil {
					c.Errorf("put %q: %v", key, err)
				}
			}
		})
	}
	for i := range want {
		want[i] = c.key(fmt.Sprintf("%04d", i))
		file := want[i]
		if i%3 == 0 {
			want[i] += "/"
			file += "/file"
		}
		keys <- file
	}
	close(keys)
	writers.Wait()
	c.wantFolder(c.prefix, want...)
}

// testFolderOddKeys: a listing tells names as they were given.
func testFolderOddKeys(c *filesCase) {
	names := []string{
		" space ", "!$'()*", "\"quoted\"", "%2F", "%20 %", "a&b=c", "a+b", "a<b>&amp;", "a?b#c", "back\\slash",
		"semi;colon,", "{}[]|^`~", "é", "e\u0301", "漢字", "🎈",
	}
	if c.has(BackslashIsSlash) {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "back\\slash" })
		c.mustPut(c.key("back\\slash"), []byte("x"))
		c.wantFolder(c.key("back/"), c.key("back/slash"))
	}
	var files, folders []string
	for _, name := range names {
		files = append(files, c.key("files/"+name))
		folders = append(folders, c.key("folders/"+name+"/"))
		c.mustPut(c.key("files/"+name), []byte("x"))
		c.mustPut(c.key("folders/"+name+"/"+name), []byte("x"))
		c.wantFolder(c.key("folders/"+name+"/"), c.key("folders/"+name+"/"+name))
	}
	slices.Sort(files)
	slices.Sort(folders)
	c.wantFolder(c.key("files/"), files...)
	c.wantFolder(c.key("folders/"), folders...)
}

// testTree: all that is below, markers too, in order of keys and as Head tells
// it, and nothing up to the key that it is asked to begin behind.
func testTree(c *filesCase) {
	var want []upload.Object
	for _, name := range []string{"a-b", "a.txt", "a/", "a/b/c", "a/\u00fc", "a0"} {
		want = append(want, c.mustPut(c.key(name), []byte("content of " + name)[:len(name)%2*3]))
	}
	c.mustPut(c.prefix[:len(c.prefix)-1]+"-beside", nil)
	c.Cleanup(func() { _ = c.Delete(c.Context(), c.prefix[:len(c.prefix)-1]+"-beside") })
	for after, rest := range map[string][]upload.Object{"": want, c.key("a/"): want[3:], c.key("a/b/\U0010FFFF"): want[4:], c.key("b"): nil} {
		var got []upload.Object
		for o, err := range c.Tree(c.Context(), c.prefix, after) {
			if err != nil {
				c.Fatalf("tree: %v", err)
			}
			got = append(got, o)
		}
		ignore := cmpopts.IgnoreFields(upload.Object{}, "Modified", "Type")
		if diff := cmp.Diff(rest, got, ignore); diff != "" {
			c.Errorf("behind %q (-want +got):\n%s", after, diff)
		}
	}
}
