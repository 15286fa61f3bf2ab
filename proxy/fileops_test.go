package proxy

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// counted counts the entries that are read of folders.
type counted struct {
	upload.Files
	n *int
}

func (f counted) Folder(ctx context.Context, prefix string) iter.Seq2[upload.Entry, error] {
	return func(yield func(upload.Entry, error) bool) {
		for e, err := range f.Files.Folder(ctx, prefix) {
			*f.n++
			if !yield(e, err) {
				return
			}
		}
	}
}

func TestCreateFolder(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files, "file", "folder/x", "marked/")
	got := s.call(t, "POST", "/1/fileops%2Fcreate_folder?locale=en&path=%2Fnew+one%2F%C3%A9&root=auto", "Content-Length: 0\r\n", "")
	want := `{"rev": "` + digest([]byte("/new one/é")) + `", "thumb_exists": false, "bytes": 0, ` +
		`"modified": "Thu, 01 Jan 1970 00:00:00 +0000", "revision": 0, "path": "/new one/\u00e9", "is_dir": true, ` +
		`"icon": "folder", "root": "dropbox", "size": "0 bytes"}`
	if got.status != 200 || got.body != want {
		t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
	}
	if content, ok := files.Object("uploads/ada/new one/é/"); !ok || len(content) > 0 {
		t.Errorf("got marker %q, %v", content, ok)
	}
	const taken = `{"error": "There is already a file or folder at the path"}`
	longest := strings.Repeat("x", maxKey-len("uploads/ada/"))
	for path, want := range map[string]answer{
		"/new one/é": {status: 403, body: taken},
		"new one":    {status: 403, body: taken},
		"file":       {status: 403, body: taken},
		"file/x/y":   {status: 403, body: taken},
		"folder":     {status: 403, body: taken},
		"marked":     {status: 403, body: taken},
		"":           {status: 403, body: taken},
		"/":          {status: 403, body: taken},
		longest:      {status: 400, body: `{"error": "path is too long"}`},
		longest[1:]:  {status: 200},
		".staging":   {status: 400, body: `{"error": "path is reserved"}`},
		"a/../b":     {status: 400, body: `{"error": "path has a segment that is . or .."}`},
	} {
		form := "root=dropbox&path=" + strings.ReplaceAll(path, " ", "%20")
		head := fmt.Sprintf("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(form))
		got := s.call(t, "POST", "/1/fileops/create_folder", head, form)
		if got.status != want.status || want.body != "" && got.body != want.body {
			t.Errorf("%.40q: got %d %.200s, want %d %s", path, got.status, got.body, want.status, want.body)
		}
	}
	if got := s.call(t, "POST", "/1/fileops/create_folder?path=x", "", ""); got.status != http.StatusBadRequest {
		t.Errorf("without root: got %d %s, want 400", got.status, got.body)
	}
}

// Of two that make one folder, the store lets one win.
func TestCreateFolderRace(t *testing.T) {
	objects := uploadtest.NewObjects()
	objects.Fault = func(op, key string) error {
		if op == uploadtest.OpPut {
			return fmt.Errorf("somebody was faster: %w", upload.ErrConflict)
		}
		return nil
	}
	if got := serveFiles(t, objects).call(t, "GET", "/1/fileops/create_folder?root=auto&path=x", "", ""); got.status != 403 {
		t.Errorf("got %d %s, want 403", got.status, got.body)
	}
}

func TestDelete(t *testing.T) {
	files := uploadtest.NewObjects()
	s := serveFiles(t, files, "a/b.txt", "a/c", "ab", "marked/")
	for n := range 2*removeBatch + 1 {
		mustPut(t, files, fmt.Sprintf("uploads/ada/many/%04d", n), "x")
	}
	mustPut(t, files, "uploads/other", "x")
	tests := []struct {
		path   string
		status int
		body   string
	}{
		{"/a/b.txt", 200, `"path": "/a/b.txt", "is_dir": false, "client_mtime": "DATE", "icon": "page_white_text", "read_only": false, ` +
			`"modifier": null, "bytes": 0, "modified": "DATE", "size": "0 bytes", "root": "dropbox", "mime_type": "text/plain", ` +
			`"revision": N, "is_deleted": true}`},
		{"/a/b.txt", 404, `{"error": "Path '/a/b.txt' not found"}`},
		{"a", 200, `"path": "/a", "is_dir": true, "icon": "folder", "root": "dropbox", "size": "0 bytes", "is_deleted": true}`},
		{"a", 404, `{"error": "Path '/a' not found"}`},
		{"many", 200, `"is_deleted": true}`},
		{"marked", 200, `"is_deleted": true}`},
		{"/", 403, `{"error": "The root folder cannot be deleted"}`},
		{"", 403, `{"error": "The root folder cannot be deleted"}`},
		{"../other", 400, `{"error": "path has a segment that is . or .."}`},
		{".staging", 400, `{"error": "path is reserved"}`},
	}
	for _, test := range tests {
		got := s.call(t, "POST", "/1/fileops/delete?root=auto&path="+test.path, "Content-Length: 0\r\n", "")
		if got.status != test.status || !strings.HasSuffix(timeless(got.body), test.body) {
			t.Errorf("%q: got %d %s, want %d …%s", test.path, got.status, timeless(got.body), test.status, test.body)
		}
	}
	if diff := cmp.Diff([]string{"uploads/ada/ab", "uploads/other"}, files.Keys()); diff != "" {
		t.Errorf("keys left (-want +got):\n%s", diff)
	}
	if n := files.Calls(uploadtest.OpDelete); n > 7 {
		t.Errorf("%d calls to delete, want batches", n)
	}
}

// What the store does not do is not taken for success.
func TestFilesUnavailable(t *testing.T) {
	objects := uploadtest.NewObjects()
	s := serveFiles(t, objects, "a/b")
	for op, targets := range map[string][]string{
		uploadtest.OpHead:   {"GET /1/files/auto/a/b", "GET /1/metadata/auto/a", "POST /1/fileops/create_folder?root=auto&path=x", "POST /1/fileops/delete?root=auto&path=a"},
		uploadtest.OpRead:   {"GET /1/files/auto/a/b"},
		uploadtest.OpFolder: {"GET /1/metadata/auto/a", "GET /1/metadata/auto/a?list=false", "POST /1/fileops/create_folder?root=auto&path=x", "POST /1/fileops/delete?root=auto&path=a"},
		uploadtest.OpPut:    {"POST /1/fileops/create_folder?root=auto&path=x"},
		uploadtest.OpList:   {"POST /1/fileops/delete?root=auto&path=a"},
		uploadtest.OpDelete: {"POST /1/fileops/delete?root=auto&path=a", "POST /1/fileops/delete?root=auto&path=a/b"},
	} {
		objects.Fault = func(now, _ string) error {
			if now == op {
				return upload.ErrUnavailable
			}
			return nil
		}
		for _, target := range targets {
			method, path, _ := strings.Cut(target, " ")
			if got := s.call(t, method, path, "", ""); got.status != 503 || got.header.Get("Retry-After") == "" {
				t.Errorf("%s without %s: got %d %s, want 503", target, op, got.status, got.body)
			}
		}
	}
}

func TestAccountInfo(t *testing.T) {
	s := start(t, &fakeEngine{})
	got := s.call(t, "GET", "/1/account%2Finfo?locale=en", "", "")
	want := fmt.Sprintf(`{"referral_link": "", "display_name": "ada", "uid": %d, `+
		`"name_details": {"familiar_name": "ada", "given_name": "ada", "surname": ""}, "country": "", `+
		`"quota_info": {"shared": 0, "quota": 9007199254740992, "normal": 0}, "email": "", "email_verified": false}`, uid("ada"))
	if got.status != 200 || got.body != want {
		t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
	}
	for _, owner := range []string{"", "ada", "grace"} {
		if n := uid(owner); n < 1 || n > 1<<31-1 || n != uid(owner) {
			t.Errorf("uid of %q is %d", owner, n)
		}
	}
	if uid("ada") == uid("grace") {
		t.Error("two owners have one uid")
	}
}
