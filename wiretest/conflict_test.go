package wiretest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// there is what lies at the destination, or near it.
type there struct {
	what   string
	at     string // the name that is asked for
	beside string // a name next to it that another file has; may be empty
}

func (x there) as(name string) there  { x.at = name; return x }
func (x there) and(name string) there { x.beside = name; return x }

var (
	nothing = there{what: "nothing", at: "test.txt"}
	deleted = there{what: "deleted file", at: "test.txt"}
	file    = there{what: "file", at: "test.txt"}   // with the content "old", and "older" before if that matters
	folder  = there{what: "folder", at: "test.txt"} // with a file below it
	empty   = there{what: "empty folder", at: "test.txt"}
	above   = there{what: "file above", at: "dir/test.txt"} // in the place of the destination's folder
)

// row is a line of PROTOCOL 3.13. In params, LATEST, OLDER and NEVER stand for
// revs: of the file that is there, of what it was before, and of no file.
type row struct {
	there
	params string
	status int
	stored string // name in the answer; empty if refused
}

var table = []row{
	// Nothing there: the file is created, whatever is asked.
	{nothing, "", 200, "test.txt"},
	{nothing, "overwrite=true", 200, "test.txt"},
	{nothing, "overwrite=false", 200, "test.txt"},
	{nothing, "autorename=false", 200, "test.txt"},
	{nothing, "overwrite=false&autorename=false", 200, "test.txt"},
	{nothing, "overwrite=&autorename=&parent_rev=", 200, "test.txt"},
	{nothing, "parent_rev=NEVER", 400, ""},
	{nothing, "parent_rev=NEVER&overwrite=true", 400, ""},
	{nothing, "parent_rev=NEVER&autorename=false", 400, ""},
	{nothing, "parent_rev=no-rev", 400, ""},
	{deleted, "overwrite=false", 200, "test.txt"},
	{deleted, "parent_rev=LATEST", 400, ""},

	// The rev of what is there: it is replaced, overwrite does not count.
	{file, "parent_rev=LATEST", 200, "test.txt"},
	{file, "parent_rev=LATEST&overwrite=false", 200, "test.txt"},
	{file, "parent_rev=LATEST&overwrite=False&autorename=0", 200, "test.txt"},

	// An older rev: both are kept, or the new one is refused.
	{file, "parent_rev=OLDER", 200, "test (conflicted copy).txt"},
	{file, "parent_rev=OLDER&overwrite=true", 200, "test (conflicted copy).txt"},
	{file, "parent_rev=OLDER&overwrite=false&autorename=1", 200, "test (conflicted copy).txt"},
	{file.and("test (conflicted copy).txt"), "parent_rev=OLDER", 200, "test (conflicted copy 2).txt"},
	{file, "parent_rev=OLDER&autorename=false", 409, ""},
	{file, "parent_rev=OLDER&autorename=False&overwrite=true", 409, ""},
	{file, "parent_rev=NEVER", 200, "test (conflicted copy).txt"}, // versions are not remembered
	{file, "parent_rev=NEVER&autorename=0", 409, ""},
	{file, "parent_rev=no-rev", 400, ""},

	// overwrite: the default.
	{file, "", 200, "test.txt"},
	{file, "overwrite=true", 200, "test.txt"},
	{file, "overwrite=True", 200, "test.txt"},
	{file, "overwrite=1&autorename=false", 200, "test.txt"},
	{file, "overwrite=perhaps", 400, ""},

	// No overwriting: both are kept, under the first name that is free.
	{file, "overwrite=false", 200, "test (1).txt"},
	{file, "overwrite=False&autorename=True", 200, "test (1).txt"},
	{file, "overwrite=0&autorename=1", 200, "test (1).txt"},
	{file.and("test (1).txt"), "overwrite=false", 200, "test (2).txt"},
	{file.and("test (2).txt"), "overwrite=false", 200, "test (1).txt"},
	{file.as("a.tar.gz"), "overwrite=false", 200, "a.tar (1).gz"},
	{file.as("test"), "overwrite=false", 200, "test (1)"},
	{file.as(".profile"), "overwrite=false", 200, ".profile (1)"},
	{file.as("dir.d/test"), "overwrite=false", 200, "dir.d/test (1)"},
	{file.as("test (1).txt"), "overwrite=false", 200, "test (1) (1).txt"},

	// Nor renaming: the new one is refused.
	{file, "overwrite=false&autorename=false", 409, ""},
	{file, "overwrite=False&autorename=False", 409, ""},
	{file, "overwrite=0&autorename=0", 409, ""},
	{file, "overwrite=false&autorename=2", 400, ""},

	// A folder is never replaced.
	{folder, "", 409, ""},
	{folder, "overwrite=true", 409, ""},
	{folder, "overwrite=true&autorename=true", 409, ""},
	{folder, "parent_rev=NEVER", 409, ""},
	{folder, "overwrite=false", 200, "test (1).txt"},
	{folder.and("test (1).txt"), "overwrite=false", 200, "test (2).txt"},
	{folder, "overwrite=false&autorename=false", 409, ""},
	{empty, "", 409, ""},
	{empty, "overwrite=false", 200, "test (1).txt"},
	{empty, "overwrite=false&autorename=false", 409, ""},

	// Nor is a file made a folder (PROTOCOL 3.12).
	{above, "", 409, ""},
	{above, "overwrite=false", 409, ""},
	{above, "autorename=false", 409, ""},
	{above, "parent_rev=NEVER", 409, ""},
	{above.as("dir/deeper/test.txt"), "", 409, ""},
}

func (r row) String() string {
	return strings.TrimSpace(strings.Join([]string{r.what, r.at, r.beside, r.params}, " "))
}

func TestDecisionTable(t *testing.T) {
	s := start(t)
	for _, w := range ways {
		all := newContents(w.size)
		for n, r := range table {
			t.Run(w.name+"/"+r.String(), func(t *testing.T) {
				c := conflict{stack: s, way: w, row: r, contents: all, dir: fmt.Sprintf("%s/%d/", w.name, n), files: map[string]string{}}
				c.check(t, c.prepare(t))
			})
		}
	}
	s.wantNothingStaged(t)
}

// contents are those of a table's files, and their labels.
type contents struct {
	of     map[string][]byte
	labels map[[sha256.Size]byte]string
}

func newContents(size int) contents {
	c := contents{map[string][]byte{}, map[[sha256.Size]byte]string{sha256.Sum256(nil): "nothing"}}
	for _, label := range []string{"older", "old", "beside", "new"} {
		c.of[label] = content(label, size)
		c.labels[sha256.Sum256(c.of[label])] = label
	}
	return c
}

// conflict is a row at work, in a folder of its own.
type conflict struct {
	stack
	way
	row
	contents
	dir   string
	files map[string]string // what is there: content's label by name
}

// put stores a file whose content has this label, and answers its rev.
func (c conflict) put(t *testing.T, name, label string) string {
	t.Helper()
	got := c.must(t, c.proxies[0], c.of[label], c.dir+name)
	c.files[name] = label
	return got.Rev
}

// prepare makes what is there, and answers the parameters with revs in them.
func (c conflict) prepare(t *testing.T) string {
	t.Helper()
	never := strings.Repeat("0123456789abcdef", 2)
	older, latest := never, never
	switch c.there.what {
	case deleted.what:
		latest = c.put(t, c.at, "old")
		c.delete(t, c.at)
	case file.what:
		if strings.Contains(c.params, "OLDER") {
			older = c.put(t, c.at, "older")
		}
		latest = c.put(t, c.at, "old")
	case folder.what:
		c.put(t, c.at+"/below", "old")
	case empty.what:
		c.createFolder(t, c.at)
	case above.what:
		top, _, _ := strings.Cut(c.at, "/")
		c.put(t, top, "old")
	}
	if c.beside != "" {
		c.put(t, c.beside, "beside")
	}
	return strings.NewReplacer("LATEST", latest, "OLDER", older, "NEVER", never).Replace(c.params)
}

// createFolder makes an empty folder, for which the store has a marker.
func (c conflict) createFolder(t *testing.T, name string) {
	t.Helper()
	q := url.Values{"root": {"auto"}, "path": {c.dir + name}}
	got, err := ask(t.Context(), c.proxies[0], "POST", "fileops/create_folder?"+q.Encode(), nil)
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("create folder: %+v, %v", got, err)
	}
	c.files[name+"/"] = "nothing"
}

func (c conflict) delete(t *testing.T, name string) {
	t.Helper()
	if err := c.objects.Delete(t.Context(), ownKey(c.dir+name)); err != nil {
		t.Fatal(err)
	}
	delete(c.files, name)
}

// check commits and looks at the answer and at all that is there then. What
// was refused can still be stored elsewhere (PROTOCOL 3.8).
func (c conflict) check(t *testing.T, params string) {
	t.Helper()
	store := c.send(t, c.proxies[0], c.of["new"])
	got, err := store(c.proxies[1], c.dir+c.at, params)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != c.status || (got.Error == "") != (c.status == http.StatusOK) {
		t.Errorf("answered %+v, want status %d", got, c.status)
	}
	if c.stored != "" {
		c.files[c.stored] = "new"
		if want := "/" + c.dir + c.stored; got.Path != want || got.Bytes != int64(c.size) {
			t.Errorf("answered path %q with %d bytes, want %q with %d", got.Path, got.Bytes, want, c.size)
		}
	}
	c.wantFiles(t)
	if got.Status == http.StatusOK {
		return
	}
	if got, err = store(c.proxies[0], c.dir+"elsewhere", "overwrite=false&autorename=false"); err != nil || got.Status != http.StatusOK {
		t.Errorf("elsewhere: %+v, %v", got, err)
	}
	c.files["elsewhere"] = "new"
	c.wantFiles(t)
}

// wantFiles compares the folder in the store, names and contents.
func (c conflict) wantFiles(t *testing.T) {
	t.Helper()
	got := map[string]string{}
	for _, key := range c.keys(t, c.dir) {
		got[strings.TrimPrefix(key, c.dir)] = c.labels[c.read(t, key)]
	}
	if diff := cmp.Diff(c.files, got); diff != "" {
		t.Errorf("files there (-want +got):\n%s", diff)
	}
}
