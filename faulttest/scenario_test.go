package faulttest

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/upload"
)

// The path that clients ask for, and the name beside it.
const (
	path    = "dir/file.bin"
	renamed = "dir/file (1).bin"
)

// scenario is something that a client does, until it has been told that it is
// done.
type scenario struct {
	name   string
	chunks []int // sizes, in bytes

	promise, absent, unknown bool
	taken                    bool     // a file is at the path before
	env                      []string // settings of the program

	// do is what the client does, nil to upload and to commit; it answers the
	// files that there must be.
	do func(m *matrix, h *honest, file []byte) files
}

// files are contents by path.
type files map[string][]byte

var (
	usual = []int{1 << 10, 4 << 20, 6 << 20, 0, 1 << 10} // tail, tail, part, nothing, tail
	large = []int{1 << 10, 17 << 20, 0}
	small = []int{1 << 10}
)

var scenarios = []scenario{
	{name: "staged, overwrite", chunks: usual},
	{name: "staged, no overwrite", chunks: usual, absent: true},
	{name: "staged, name taken", chunks: usual, absent: true, taken: true},
	{name: "promised, overwrite", chunks: usual, promise: true},
	{name: "promised, no overwrite", chunks: usual, promise: true, absent: true},
	{name: "promised, name taken", chunks: usual, promise: true, absent: true, taken: true},
	{name: "length unknown", chunks: large, unknown: true},
	{name: "tails as objects", chunks: usual, env: []string{"CHUNKGATE_TAIL_REDIS_MAX=0"}},
	{name: "spliced", chunks: large, env: []string{"CHUNKGATE_S3_CHECKSUM=off"}},
	{name: "all in the tail", chunks: small, absent: true},
	{name: "given up", chunks: usual[:3], do: (*matrix).giveUp},
	{name: "put", chunks: large[1:2], do: (*matrix).put},
	{name: "put, no overwrite", chunks: small, absent: true, do: (*matrix).put},
	{name: "folder", do: (*matrix).folder},
	{name: "read and delete", chunks: small, taken: true, do: (*matrix).readAndDelete},
}

// content of a file of these chunks.
func content(chunks []int) []byte {
	size := 0
	for _, n := range chunks {
		size += n
	}
	return random(1, size)
}

// former is the content of the file that is at the path before.
var former = bytes.Repeat([]byte("former "), 1000)

// upload sends all chunks and commits. What Late held back happens when all is
// sent, or when it is committed.
func (m *matrix) upload(h *honest, chunks []int, file []byte) files {
	h.t.Helper()
	for !h.script(chunks, file) {
	}
	m.trigger.Release()
	first := h.commit(int64(len(file)))
	m.wantFile(h, h.wanted(), file)
	m.trigger.Release()
	m.trigger.Disarm()
	h.turn()
	if again := h.again(); again != first {
		h.t.Errorf("the repeated commit answers %+v, before %+v", again, first)
	}
	want := files{h.wanted(): file}
	if h.taken && h.wanted() != h.path {
		want[h.path] = former
	}
	return want
}

// script sends all chunks; false: the upload has to start again.
func (h *honest) script(chunks []int, file []byte) bool {
	at := int64(0)
	for _, size := range chunks {
		if !h.send(at, file[at:at+int64(size)]) {
			return false
		}
		at += int64(size)
	}
	return true
}

// giveUp sends chunks and gives the upload up.
func (m *matrix) giveUp(h *honest, file []byte) files {
	for !h.script(usual[:3], file) {
	}
	h.await("DELETE", "chunked_upload", url.Values{"upload_id": {h.id}}, nil, http.StatusOK)
	return files{}
}

// put stores a file in one request. Without overwriting, a repeat may find the
// file that an earlier try made.
func (m *matrix) put(h *honest, file []byte) files {
	q, statuses := url.Values{}, []int{http.StatusOK}
	if h.absent {
		q.Set("overwrite", "false")
		q.Set("autorename", "false")
		statuses = append(statuses, http.StatusConflict)
	}
	if got := h.await("PUT", "files_put/auto/"+h.path, q, file, statuses...); got.status != http.StatusOK && h.failures == 0 {
		h.t.Errorf("told of a conflict with nothing: %+v", got)
	}
	m.wantFile(h, h.path, file)
	return files{h.path: file}
}

// folder makes an empty folder. A repeat may find what an earlier try made.
func (m *matrix) folder(h *honest, _ []byte) files {
	q := url.Values{"root": {"auto"}, "path": {"/dir/sub"}}
	if got := h.await("POST", "fileops/create_folder", q, nil, http.StatusOK, http.StatusForbidden); got.status != http.StatusOK && h.failures == 0 {
		h.t.Errorf("told of a conflict with nothing: %+v", got)
	}
	m.wantFile(h, "dir/sub/", nil)
	return files{"dir/sub/": nil}
}

// readAndDelete reads the file that is there in every way, and deletes it. A
// status alone may say that it is not there: that may be asked again.
func (m *matrix) readAndDelete(h *honest, _ []byte) files {
	ask := func(method, target string, q url.Values) reply {
		h.t.Helper()
		for range most {
			if got := h.await(method, target, q, nil, http.StatusOK, http.StatusNotFound); got.status == http.StatusOK {
				return got
			}
			if h.failures++; !m.trigger.LiedTo("S3 " + head) {
				h.t.Fatalf("%s %s: told that nothing is there", method, target)
			}
		}
		h.t.Fatalf("%s %s never succeeds", method, target)
		return reply{}
	}
	if got := ask("GET", "metadata/auto/"+h.path, nil); got.Bytes != int64(len(former)) {
		h.t.Errorf("metadata tells %d bytes, there are %d", got.Bytes, len(former))
	}
	if got := ask("GET", h.content(), nil); got.content != string(former) {
		h.t.Errorf("what is read begins with %q", got.content[:min(len(got.content), 60)])
	}
	if got := ask("GET", "metadata/auto/dir", url.Values{"list": {"true"}}); !strings.Contains(got.content, `"/`+h.path+`"`) {
		h.t.Errorf("the file is not listed: %s", got.content)
	}
	if got := ask("POST", "delta", nil); !strings.Contains(got.content, `"/`+h.path+`"`) {
		h.t.Errorf("delta does not have the file: %s", got.content)
	}
	// Once it may have been deleted, it may be gone.
	h.await("POST", "fileops/delete", url.Values{"root": {"auto"}, "path": {"/" + h.path}}, nil, http.StatusOK, http.StatusNotFound)
	if m.trigger.LiedTo("S3 "+remove) || m.trigger.LiedTo("S3 "+head) {
		m.trigger.Disarm()
		h.await("POST", "fileops/delete", url.Values{"root": {"auto"}, "path": {"/" + h.path}}, nil, http.StatusOK, http.StatusNotFound)
	}
	return files{}
}

// wantFile checks that what a client was told to be there is there.
func (m *matrix) wantFile(h *honest, path string, want []byte) {
	h.t.Helper()
	if teststore.SHA256(h.t, m.objects, testserver.KeyPrefix+path) != sha256.Sum256(want) {
		h.t.Errorf("told that %s is there: it is not what was sent", path)
	}
}

// prepare stores what a scenario finds.
func (m *matrix) prepare(t *testing.T, s scenario) {
	t.Helper()
	if !s.taken {
		return
	}
	_, err := m.objects.Put(t.Context(), testserver.KeyPrefix+path, int64(len(former)), bytes.NewReader(former), upload.Attributes{}, upload.Condition{})
	if err != nil {
		t.Fatal(err)
	}
}
