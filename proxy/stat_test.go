package proxy

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

var (
	dates     = regexp.MustCompile(`"\w{3}, \d\d \w{3} 20\d\d [\d:]{8} \+0000"`)
	revisions = regexp.MustCompile(`"revision": [1-9]\d+`)
)

// timeless is an answer with its times taken out.
func timeless(body string) string {
	return revisions.ReplaceAllString(dates.ReplaceAllString(body, `"DATE"`), `"revision": N`)
}

const (
	entryB = `{"rev": "0ca71b0b8e91d7a1fd4e4e1f0f1b6d7c", "thumb_exists": false, "path": "/a/b.txt", "is_dir": false, ` +
		`"client_mtime": "DATE", "icon": "page_white_text", "read_only": false, "modifier": null, "bytes": 18, ` +
		`"modified": "DATE", "size": "18 bytes", "root": "dropbox", "mime_type": "text/plain", "revision": N}`
	folderA = `"thumb_exists": false, "bytes": 0, "modified": "Thu, 01 Jan 1970 00:00:00 +0000", "revision": 0, ` +
		`"path": "/a", "is_dir": true, "icon": "folder", "root": "dropbox", `
)

func TestStat(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files, "a/b.txt", "a/c/d", "a/c/e")
	stat := func(target string) answer {
		t.Helper()
		return s.call(t, "GET", "/1/metadata/"+target, "", "")
	}
	rev := revOf(mustHead(t, files, "uploads/ada/a/b.txt").ETag)
	entry := regexp.MustCompile(`"rev": "\w+"`).ReplaceAllString(entryB, `"rev": "`+rev+`"`)
	sub := `{"rev": "` + digest([]byte("/a/c")) + `", ` + strings.ReplaceAll(folderA, `"/a"`, `"/a/c"`) + `"size": "0 bytes"}`
	contents := "[" + entry + ", " + sub + "]"
	all := stat("auto/a").body
	hash := all[len(`{"hash": "`):][:32]
	tests := map[string]struct{ target, want string }{
		"file":        {"auto/a/b.txt", entry},
		"file, rev":   {"auto/a/b.txt?list=false&rev=" + rev, entry},
		"folder":      {"auto/a", `{"hash": "` + hash + `", "rev": "` + digest([]byte("/a")) + `", ` + folderA + `"contents": ` + contents + `, "size": "0 bytes"}`},
		"no list":     {"auto/a?list=False", `{"rev": "` + digest([]byte("/a")) + `", ` + folderA + `"size": "0 bytes"}`},
		"root":        {"sandbox/?list=0", `{"thumb_exists": false, "bytes": 0, "path": "/", "is_dir": true, "icon": "folder", "root": "app_folder", "size": "0 bytes"}`},
		"limit":       {"auto/a?file_limit=2&list=false", `{"rev": "` + digest([]byte("/a")) + `", ` + folderA + `"size": "0 bytes"}`},
		"other hash":  {"auto/a?list=true&include_deleted=True&locale=de&hash=0", all},
		"other hash2": {"auto//a/?hash=" + strings.Repeat("0", 32), all},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := stat(test.target)
			if diff := cmp.Diff(timeless(test.want), timeless(got.body)); got.status != 200 || diff != "" {
				t.Errorf("got %d (-want +got):\n%s", got.status, diff)
			}
		})
	}
	if got := stat("auto/a?hash=" + hash); got.status != 304 || got.body != "" {
		t.Errorf("same hash: got %d %q, want 304 and nothing", got.status, got.body)
	}
	form := "hash=" + hash
	head := fmt.Sprintf("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(form))
	if got := s.call(t, "POST", "/1/metadata%2Fauto%2Fa", head, form); got.status != 304 {
		t.Errorf("same hash in a form: got %d %q, want 304", got.status, got.body)
	}
	mustPut(t, files, "uploads/ada/a/b.txt", "changed")
	if got := stat("auto/a?hash=" + hash); got.status != 200 || got.body[len(`{"hash": "`):][:32] == hash {
		t.Errorf("after a change: got %d %s", got.status, got.body)
	}
}

func mustHead(tb testing.TB, files upload.Files, key string) upload.Object {
	tb.Helper()
	o, err := files.Head(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func TestStatRefused(t *testing.T) {
	objects := uploadtest.NewObjects()
	objects.Fault = func(op, key string) error {
		if len(key) > maxKey {
			return errors.New("KeyTooLongError")
		}
		return nil
	}
	s := serveFiles(t, objects, "a/1", "a/2", "a/3", "empty/")
	long := strings.Repeat("x", maxKey-len("uploads/ada/"))
	const tooMany = `{"error": "Too many file entries to return."}`
	tests := []struct {
		target string
		status int
		body   string
	}{
		{"auto/x", 404, `{"error": "Path '/x' not found"}`},
		{"auto/x?list=false", 404, `{"error": "Path '/x' not found"}`},
		{"auto/a/1/x", 404, `{"error": "Path '/a/1/x' not found"}`},
		{"auto/" + long, 404, `{"error": "Path '/` + long + `' not found"}`},
		{"auto/a/1?rev=" + strings.Repeat("0", 32), 404, `{"error": "Path '/a/1' not found"}`},
		{"auto/a?rev=" + strings.Repeat("0", 32), 404, `{"error": "Path '/a' not found"}`},
		{"auto/a?file_limit=2", 406, tooMany},
		{"auto/a?file_limit=25001", 406, tooMany},
		{"auto/a?file_limit=99999999999999999999", 406, tooMany},
		{"auto/a?file_limit=-1", 400, `{"error": "file_limit is no number of files"}`},
		{"auto/a?file_limit=-99999999999999999999", 400, `{"error": "file_limit is no number of files"}`},
		{"auto/a?list=maybe", 400, `{"error": "list is neither true nor false"}`},
		{"auto/.staging", 400, `{"error": "path is reserved"}`},
		{"home/a", 400, `{"error": "root is none of auto, dropbox and sandbox"}`},
		{"home", 400, `{"error": "root is none of auto, dropbox and sandbox"}`},
	}
	for _, test := range tests {
		if got := s.call(t, "GET", "/1/metadata/"+test.target, "", ""); got.status != test.status || got.body != test.body {
			t.Errorf("%.60s: got %d %s, want %d %s", test.target, got.status, got.body, test.status, test.body)
		}
	}
	for _, target := range []string{"auto/a?file_limit=3", "auto/a?file_limit=25000", "auto/empty", "auto/empty?list=false"} {
		if got := s.call(t, "GET", "/1/metadata/"+target, "", ""); got.status != 200 {
			t.Errorf("%s: got %d %s, want 200", target, got.status, got.body)
		}
	}
}

// An account whose prefix lies in the engine's own place has no root folder.
func TestRootIsReserved(t *testing.T) {
	s := New(Config{StagingPrefix: ".chunkgate/"})
	for prefix, want := range map[string]bool{"": true, "ada/": true, ".chunkgate/": false, ".chunkgate/ada/": false} {
		if _, err := s.locateAny(Account{Prefix: prefix}, "auto", "/"); (err == nil) != want {
			t.Errorf("%q: got %v", prefix, err)
		}
	}
}

// A listing stops behind the last entry that the client can take.
func TestStatIsBounded(t *testing.T) {
	objects := uploadtest.NewObjects()
	for n := range 100 {
		mustPut(t, objects, fmt.Sprintf("uploads/ada/%03d", n), "x")
	}
	files := counted{Files: objects, n: new(int)}
	s := serveFiles(t, files)
	if got := s.call(t, "GET", "/1/metadata/auto?file_limit=9", "", ""); got.status != 406 || *files.n != 10 {
		t.Errorf("got %d after %d entries, want 406 after 10", got.status, *files.n)
	}
}

// An owner of the whole bucket sees neither the engine's things nor what has
// no name in the protocol, and cannot delete the former.
func TestStagingIsHidden(t *testing.T) {
	objects := uploadtest.NewObjects()
	for _, key := range []string{"a/x", "a/.staging/1", "b", "a//c", "a/../d", "e\n", "a/.staging/2/3", "stagingonly/s/t"} {
		mustPut(t, objects, key, "x")
	}
	for _, staging := range []string{"a/.staging/", "stagingonly/s/"} {
		s := start(t, &fakeEngine{}, func(c *Config) {
			c.Files, c.KeyPrefix, c.StagingPrefix, c.Auth = objects, "", staging, Anyone()
		})
		got := s.call(t, "GET", "/1/metadata/auto/a", "", "").body + s.call(t, "GET", "/1/metadata/auto/stagingonly", "", "").body
		if paths := regexp.MustCompile(`"path": "[^"]*"`).FindAllString(got, -1); staging == "a/.staging/" && fmt.Sprint(paths) != `["path": "/a" "path": "/a/x" "path": "/stagingonly" "path": "/stagingonly/s"]` {
			t.Errorf("got %s", paths)
		}
		if strings.Contains(got, staging[:len(staging)-1]) {
			t.Errorf("%s is visible: %s", staging, got)
		}
	}
	s := start(t, &fakeEngine{}, func(c *Config) {
		c.Files, c.KeyPrefix, c.StagingPrefix, c.Auth = objects, "", "a/.staging/", Anyone()
	})
	if got := s.call(t, "POST", "/1/fileops/delete?root=auto&path=a", "", ""); got.status != 200 {
		t.Errorf("delete: got %d %s", got.status, got.body)
	}
	want := []string{"a/.staging/1", "a/.staging/2/3", "b", "e\n", "stagingonly/s/t"}
	if diff := cmp.Diff(want, objects.Keys()); diff != "" {
		t.Errorf("keys left (-want +got):\n%s", diff)
	}
}
