package storetest

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

// flow is one thing that clients do.
type flow struct {
	name string
	run  func(*run)
}

var flows = []flow{
	{"a file in chunks, staged", func(r *run) { r.chunked("staged.bin", 13<<20+7, 5<<20, "") }},
	{"a file in chunks, promised", func(r *run) { r.chunked("promised.bin", 13<<20+7, 6<<20, "path=/promised.bin") }},
	{"a file that is all tail", func(r *run) { r.chunked("tail.bin", 1000, 400, "") }},
	{"an empty file", func(r *run) { r.put("empty.bin", "", nil); r.wantFile("empty.bin", nil) }},
	{"a whole file", func(r *run) { r.put("whole.bin", "", random(7<<20)); r.wantFile("whole.bin", random(7<<20)) }},
	{"conflicts", (*run).conflicts},
	{"ranges", (*run).ranges},
	{"folders", (*run).folders},
	{"odd names", (*run).oddNames},
	{"a file and a folder of one name", (*run).fileBesideFolder},
	{"an upload that is given up", (*run).givenUp},
}

// run is a flow under way.
type run struct {
	*testing.T
	testserver.Proxy
	habits
	dir     string // of the flow's own
	objects *s3backend.Backend
	restart func(*testing.T, ...string) testserver.Proxy // another proxy with further settings
}

// TestFlows runs the program, unmodified, on each site.
func TestFlows(t *testing.T) {
	program := testserver.Build(t)
	for _, s := range sites {
		if s.start == nil {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			g := s.start(t)
			redis := testserver.StartRedis(t)
			serve := func(t *testing.T, env ...string) testserver.Proxy {
				return testserver.Serve(t, program, g.seen, redis, append(g.env, env...)...)
			}
			p, objects := serve(t), teststore.Open(t, g.Store)
			for _, f := range flows {
				t.Run(f.name, func(t *testing.T) {
					g.trouble()
					f.run(&run{T: t, Proxy: p, habits: s.habits, dir: strings.ReplaceAll(f.name, " ", "-") + "/", objects: objects, restart: serve})
				})
			}
			if s.doctor != nil {
				t.Run("doctor", func(t *testing.T) {
					g.trouble()
					s.examined(t, program, g)
				})
			}
			if keys := teststore.Keys(t, objects, ".chunkgate/"); len(keys) > 0 {
				t.Errorf("left behind: %q", keys)
			}
		})
	}
}

// chunked sends a file in chunks, commits it, and reads it back.
func (r *run) chunked(name string, size, chunk int, first string) {
	r.Helper()
	if first != "" {
		first = "path=/" + r.dir + name
	}
	r.wantOK(r.commit(name, r.send(random(size), chunk, first), ""))
	r.wantFile(name, random(size))
}

// conflicts: what lies at the destination is asked of the store at the moment
// when the file appears there.
func (r *run) conflicts() {
	for _, way := range []struct {
		name  string
		store func(name, params string, content []byte) reply
	}{
		{"put", r.put},
		{"tail", func(name, params string, content []byte) reply {
			return r.commit(name, r.send(content, len(content), ""), params)
		}},
		{"staged", func(name, params string, content []byte) reply {
			return r.commit(name, r.send(append(random(6<<20), content...), 6<<20, ""), params)
		}},
	} {
		name := way.name + ".txt"
		first := r.wantOK(way.store(name, "", []byte("first")))
		second := r.wantOK(way.store(name, "overwrite=true", []byte("second")))
		if second.Path != first.Path || second.Rev == first.Rev {
			r.Errorf("%s: overwritten %+v with %+v", way.name, first, second)
		}
		for _, c := range []struct {
			params string
			status int
			path   string
		}{
			{"overwrite=false", 200, way.name + " (1).txt"},
			{"overwrite=false&autorename=false", 409, ""},
			{"parent_rev=" + first.Rev, 200, way.name + " (conflicted copy).txt"},
			{"parent_rev=" + first.Rev + "&autorename=false", 409, ""},
			{"parent_rev=" + second.Rev, 200, name},
		} {
			got := way.store(name, c.params, []byte("third"))
			if c.path != "" {
				c.path = "/" + r.dir + c.path
			}
			if got.Status != c.status || got.Path != c.path {
				r.Errorf("%s, %s: got %+v, want %d %s", way.name, c.params, got, c.status, c.path)
			}
		}
	}
}

func (r *run) ranges() {
	content := random(6<<20 + 5)
	made := r.put("file.bin", "", content)
	for asked, want := range map[string][]byte{
		"bytes=0-0":               content[:1],
		"bytes=1048576-2097151":   content[1<<20 : 2<<20],
		"bytes=-5":                content[6<<20:],
		"bytes=6291456-999999999": content[6<<20:],
	} {
		if status, body := r.ask("GET", "files/auto/"+r.dir+"file.bin?rev="+made.Rev, nil, "Range", asked); status != http.StatusPartialContent || !bytes.Equal(body, want) {
			r.Errorf("%s: got %d with %d bytes, want %d", asked, status, len(body), len(want))
		}
	}
	if status, _ := r.ask("GET", "files/auto/"+r.dir+"file.bin", nil, "Range", "bytes=6291461-"); status != http.StatusRequestedRangeNotSatisfiable {
		r.Errorf("beyond the end: got %d", status)
	}
	r.wantOK(r.put("file.bin", "", []byte("another")))
	if status, _ := r.ask("GET", "files/auto/"+r.dir+"file.bin?rev="+made.Rev, nil); status != http.StatusNotFound {
		r.Errorf("of a version that was replaced: got %d", status)
	}
}

func (r *run) folders() {
	r.put("a/one.txt", "", []byte("1"))
	r.put("a/two.txt", "", nil)
	r.put("a/deep/er/three.txt", "", []byte("3"))
	if status, body := r.ask("POST", "fileops/create_folder?root=auto&path=/"+r.dir+"a/made", nil); status != http.StatusOK {
		r.Errorf("create folder: %d %s", status, body)
	}
	if status, _ := r.ask("POST", "fileops/create_folder?root=auto&path=/"+r.dir+"a/made", nil); status != http.StatusForbidden {
		r.Errorf("create folder again: %d", status)
	}
	r.wantFolder("a", "a/deep", "a/made", "a/one.txt", "a/two.txt")
	r.wantFolder("a/made")
	listed := r.describe("POST", "delta?path_prefix=/"+r.dir+"a")
	if len(listed.Entries) != 7 || !listed.Reset {
		r.Errorf("delta: %d entries, reset %v: %v", len(listed.Entries), listed.Reset, listed.Entries)
	}
	for _, name := range []string{"a/two.txt", "a"} {
		if status, body := r.ask("POST", "fileops/delete?root=auto&path=/"+r.dir+name, nil); status != http.StatusOK {
			r.Errorf("delete %s: %d %s", name, status, body)
		}
		want := http.StatusNotFound
		if name == "a" && r.foldersLinger {
			want = http.StatusOK
		}
		if status, _ := r.ask("GET", "metadata/auto/"+r.dir+name, nil); status != want {
			r.Errorf("%s after it was deleted: %d, want %d", name, status, want)
		}
	}
	if r.foldersLinger {
		return
	}
	// A folder that went with what was in it is in nobody's way.
	r.wantOK(r.put("a", "", []byte("now a file")))
	r.wantFile("a", []byte("now a file"))
	if keys := teststore.Keys(r.T, r.objects, testserver.KeyPrefix+r.dir); len(keys) != 1 {
		r.Errorf("left: %q", keys)
	}
}

// oddNames: each name is listed and read as it was given.
func (r *run) oddNames() {
	names := []string{"a space", "a+b", "100% %2F", "é ü 漢字 🎈", "a&b=c;d", `"quoted' #?`, `back\slash`, "..a", "[]{}|^`~!$()*@,"}
	if r.backslashIsSlash {
		names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, `\`) })
	}
	var want []string
	for _, name := range names {
		r.wantOK(r.put(name, "", []byte(name)))
		r.wantFile(name, []byte(name))
		want = append(want, name)
	}
	r.wantFolder("", want...)
}

// fileBesideFolder: the proxy refuses it, but two at the same moment may both
// have found nothing in the way.
func (r *run) fileBesideFolder() {
	r.put("name/below.txt", "", []byte("below"))
	if got := r.put("name", "", []byte("file")); got.Status != http.StatusConflict {
		r.Errorf("a file in a folder's place: %+v", got)
	}
	err := r.storePast("name", "file")
	if (err != nil) != r.noFileBesideFolder {
		r.Errorf("past the proxy: %v, but docs/stores.md says otherwise", err)
	}
}

// givenUp: an upload goes with its multipart upload and its tail.
func (r *run) givenUp() {
	r.Proxy = r.restart(r.T, "CHUNKGATE_TAIL_REDIS_MAX=0")
	id := r.send(append(random(6<<20), 1, 2, 3), 6<<20, "")
	r.giveUp(id)
	r.await("the staged object to go", func() bool { return len(teststore.Keys(r.T, r.objects, ".chunkgate/"+id)) == 0 })
	if ids, err := r.objects.Multiparts(r.Context(), ".chunkgate/"+id+"/object"); err != nil || len(ids) > 0 {
		r.Errorf("multipart uploads are left: %v, %v", ids, err)
	}
}

// await waits for a condition that is about to hold.
func (r *run) await(what string, holds func() bool) {
	r.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			r.Fatalf("waited in vain for %s", what)
		}
	}
}

// wantFolder checks what a folder is said to have in it, whatever the order.
func (r *run) wantFolder(name string, want ...string) {
	r.Helper()
	got := map[string]bool{}
	for _, e := range r.describe("GET", strings.TrimSuffix("metadata/auto/"+r.dir+name, "/")).Contents {
		got[e.Path] = true
	}
	expected := map[string]bool{}
	for _, w := range want {
		expected["/"+r.dir+w] = true
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		r.Errorf("contents of %q (-want +got):\n%s", name, diff)
	}
}

func (r *run) wantFile(name string, want []byte) {
	r.Helper()
	status, body := r.ask("GET", "files/auto/"+escaped(r.dir+name), nil)
	if status != http.StatusOK || !bytes.Equal(body, want) {
		r.Errorf("read %q: %d with %d bytes, want %d", name, status, len(body), len(want))
	}
}

func (r *run) wantOK(got reply) reply {
	r.Helper()
	if got.Status != http.StatusOK {
		r.Fatalf("got %+v", got)
	}
	return got
}

// send sends a file in chunks and answers the upload's id.
func (r *run) send(content []byte, chunk int, first string) string {
	r.Helper()
	var at reply
	params := first
	for rest := content; len(rest) > 0; {
		n := min(chunk, len(rest))
		at = r.wantOK(r.reply("PUT", "chunked_upload?"+params, rest[:n]))
		rest = rest[n:]
		params = fmt.Sprintf("upload_id=%s&offset=%d", at.UploadID, at.Offset)
	}
	if at.Offset != int64(len(content)) {
		r.Fatalf("sent %d bytes, the upload has %d", len(content), at.Offset)
	}
	return at.UploadID
}

// commit names an upload's file. One that is refused would live on: it is given
// up.
func (r *run) commit(name, id, params string) reply {
	r.Helper()
	got := r.reply("POST", "commit_chunked_upload/auto/"+escaped(r.dir+name)+"?upload_id="+id+"&"+params, nil)
	if got.Status == http.StatusConflict {
		r.giveUp(id)
	}
	return got
}

func (r *run) giveUp(id string) {
	r.Helper()
	if status, body := r.ask("DELETE", "chunked_upload?upload_id="+id, nil); status/100 != 2 {
		r.Fatalf("give up: %d %s", status, body)
	}
}

func (r *run) put(name, params string, content []byte) reply {
	r.Helper()
	return r.reply("PUT", "files_put/auto/"+escaped(r.dir+name)+"?"+params, content)
}
