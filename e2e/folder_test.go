package e2e

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

// TestNamesReadBack: any name that a commit takes is listed, described and
// downloaded under the same one.
func TestNamesReadBack(t *testing.T) {
	t.Parallel()
	p, _ := startReading(t)
	segment := strings.Repeat("é漢", 39) + "+%" // MinIO's file system takes 255 bytes
	long := strings.Repeat(segment+"/", 5)[:5*(len(segment)+1)-1]
	long += strings.Repeat("x", 1000-len(long))
	names := []string{
		"plain", "with space", " edge ", "a+b", "100%", "%2F", "%252F", "a&b=c", "é", "e\u0301", "漢字", "🎈", "x;y,z:",
		"\"quoted\" 'too'", "what?", "hash#tag", "<tag>", "back\\slash", "[]{}|^`~!$()*@", "..a", "a..", long,
	}
	var want []string
	for _, name := range names {
		path := "odd names/" + name
		if name == long {
			path = long
		} else {
			want = append(want, "/"+path)
		}
		escaped := escape(path)
		content := []byte("content of " + name)
		if made := send(t, p, escaped, content); made.Path != "/"+path {
			t.Errorf("committed %q as %q", path, made.Path)
		}
		if got := call(t, p, "GET", "files/auto/"+escaped, nil); !bytes.Equal(got.body, content) {
			t.Errorf("download %.60q: got %d %.200s", path, got.status, got.body)
		}
		whole := "metadata%2Fauto%2F" + url.PathEscape(path)
		if got := call(t, p, "GET", whole, nil); got.status != 200 || got.describes(t).Path != "/"+path {
			t.Errorf("metadata %.60q: got %d %.200s", path, got.status, got.body)
		}
	}
	if len(long) != 1000 {
		t.Errorf("the long name has %d bytes", len(long))
	}
	if got := paths(call(t, p, "GET", "metadata/auto/"+escape(long[:strings.LastIndex(long, "/")]), nil).describes(t)); len(got) != 1 || got[0] != "/"+long {
		t.Errorf("listing of the long name: got %q", got)
	}
	got := map[string]bool{}
	for _, path := range paths(call(t, p, "GET", "metadata/auto/odd%20names", nil).describes(t)) {
		got[path] = true
	}
	for _, path := range want {
		if !got[path] {
			t.Errorf("%q is not listed", path)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d entries, want %d", len(got), len(want))
	}
}

// escape writes a path into a URL as most clients do, slashes as they are.
func escape(path string) string { return strings.ReplaceAll(url.PathEscape(path), "%2F", "/") }

func paths(d described) (paths []string) {
	for _, e := range d.Contents {
		paths = append(paths, e.Path)
	}
	return paths
}

// TestLargeFolder: a folder of more entries than S3 tells at a time is listed,
// limited, compared by its hash and deleted.
func TestLargeFolder(t *testing.T) {
	t.Parallel()
	p, objects := startReading(t)
	const entries = 2005
	var want, keys []string
	for n := range entries {
		path := fmt.Sprintf("/many/%04d", n)
		key := testserver.KeyPrefix + path[1:]
		if n%5 == 0 {
			key += "/below"
		}
		want, keys = append(want, path), append(keys, key)
	}
	fill(t, objects, keys)
	list := func(params string) answered { return call(t, p, "GET", "metadata/auto/many?"+params, nil) }

	all := list("").describes(t)
	if diff := cmp.Diff(want, paths(all)); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
	if !all.Contents[0].IsDir || all.Contents[1].IsDir || len(all.Hash) != 32 {
		t.Errorf("got hash %q, %+v, %+v", all.Hash, all.Contents[0], all.Contents[1])
	}
	for params, status := range map[string]int{
		"hash=" + all.Hash: 304, "hash=0": 200, "file_limit=2005": 200, "file_limit=2004": 406, "file_limit=25001": 406,
	} {
		if got := list(params); got.status != status {
			t.Errorf("%s: got %d, want %d", params, got.status, status)
		}
	}
	made := call(t, p, "POST", "fileops/create_folder?root=auto&path=/many/z%20new", nil)
	if made.status != 200 || !made.describes(t).IsDir {
		t.Errorf("create folder: got %d %s", made.status, made.body)
	}
	if got := call(t, p, "POST", "fileops/create_folder?root=auto&path=/many/z%20new", nil); got.status != 403 {
		t.Errorf("create folder again: got %d", got.status)
	}
	if got := list("hash=" + all.Hash); got.status != 200 || len(got.describes(t).Contents) != entries+1 {
		t.Errorf("after a change: got %d", got.status)
	}
	if got := call(t, p, "GET", "metadata/auto/many/z%20new", nil); got.status != 200 || !strings.Contains(string(got.body), `"contents": []`) {
		t.Errorf("empty folder: got %d %s", got.status, got.body)
	}
	if got := call(t, p, "POST", "fileops/delete?root=auto&path=/many", nil); got.status != 200 || !got.describes(t).Deleted {
		t.Errorf("delete: got %d %s", got.status, got.body)
	}
	if got := list(""); got.status != 404 || string(got.body) != `{"error": "Path '/many' not found"}` {
		t.Errorf("after deletion: got %d %s", got.status, got.body)
	}
	for key, err := range objects.List(t.Context(), "") {
		t.Fatalf("left: %q, %v", key, err)
	}
}

// fill puts small objects, several at a time.
func fill(t *testing.T, objects *s3backend.Backend, keys []string) {
	t.Helper()
	todo := make(chan string)
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for key := range todo {
				if _, err := objects.Put(t.Context(), key, 1, strings.NewReader("x"), upload.Attributes{}, upload.Condition{}); err != nil {
					t.Errorf("put %q: %v", key, err)
				}
			}
		})
	}
	for _, key := range keys {
		todo <- key
	}
	close(todo)
	writers.Wait()
}

// TestStagingIsHidden: also who may see the whole bucket neither sees nor
// reads nor deletes what the engine keeps in it.
func TestStagingIsHidden(t *testing.T) {
	t.Parallel()
	p, objects := startReading(t, "CHUNKGATE_TOKENS_FILE=", "CHUNKGATE_INSECURE_NO_AUTH=true", "CHUNKGATE_TAIL_REDIS_MAX=0")
	send(t, p, "file", []byte("content"))
	open := ask(t, p, "PUT", "chunked_upload", []byte("unfinished"))
	var staged string
	for key, err := range objects.List(t.Context(), staging) {
		if err != nil {
			t.Fatal(err)
		}
		staged = key
	}
	if staged == "" {
		t.Fatal("nothing is staged")
	}
	if got := paths(call(t, p, "GET", "metadata/auto", nil).describes(t)); len(got) != 1 || got[0] != "/file" {
		t.Errorf("the root has %q", got)
	}
	for _, target := range []string{"GET files/auto/" + staged, "GET metadata/auto/" + staging, "POST fileops/delete?root=auto&path=" + staging, "POST fileops/delete?root=auto&path=" + staged} {
		method, target, _ := strings.Cut(target, " ")
		if got := call(t, p, method, target, nil); got.status != 400 {
			t.Errorf("%s: got %d %s, want 400", target, got.status, got.body)
		}
	}
	got := ask(t, p, "POST", "commit_chunked_upload/auto/done?upload_id="+open.UploadID, nil)
	if got.Status != 200 || got.Bytes != int64(len("unfinished")) {
		t.Errorf("commit: %+v", got)
	}
}
