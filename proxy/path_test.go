package proxy

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/chunkgate/chunkgate/upload"
)

// Every form of a path that PROTOCOL 1.0 has seen, over a real connection,
// names the same file, and none is redirected.
func TestPathForms(t *testing.T) {
	var key string
	s := start(t, &fakeEngine{commit: func(_ context.Context, r upload.CommitRequest) (upload.Object, error) {
		key, _ = r.Key(0)
		return upload.Object{Key: key}, nil
	}})
	tests := []struct{ target, key string }{
		{"/1/commit_chunked_upload/auto/py%20dir/%C3%A9%2Bx.bin", "py dir/é+x.bin"},
		{"/1/commit_chunked_upload//auto/py%20dir/%C3%A9%2Bx.bin", "py dir/é+x.bin"},
		{"//1/commit_chunked_upload/auto/a/b", "a/b"},
		{"///1//commit_chunked_upload///auto//a///b", "a/b"},
		{"/1/commit_chunked_upload/auto/dir%20a%2Fb%2Bc.bin", "dir a/b+c.bin"},
		{"/1/commit_chunked_upload/sandbox/%2fdir%20one%2ff5m.bin", "dir one/f5m.bin"},
		{"/1/commit_chunked_upload/auto/java%20dir/%C3%A9+x&y.bin", "java dir/é+x&y.bin"},
		{"/1/commit_chunked_upload/dropbox//data/ü.dat", "data/ü.dat"},
		{"/1/commit_chunked_upload/auto/a/b/", "a/b"},
		{"/1%2Fcommit_chunked_upload%2Fauto%2Fa%2Fb", "a/b"},
		{"/1%2fcommit_chunked_upload%2fauto%2fa%2fb?", "a/b"},
		{"http://api-content.dropbox.com//1/commit_chunked_upload/auto/a", "a"},
		{"/1/commit_chunked_upload/auto/once%252Fdecoded", "once%2Fdecoded"},
		{"/1/commit_chunked_upload/auto/a%3Fb%23c%3Bd:e*f", "a?b#c;d:e*f"},
		{"/1/commit_chunked_upload/auto/CaSe", "CaSe"},
	}
	for _, test := range tests {
		key = ""
		got := s.call(t, "POST", test.target, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 32\r\n",
			"upload_id="+testID)
		if got.status != http.StatusOK || key != "uploads/ada/"+test.key {
			t.Errorf("%s: got %d %s with key %q, want 200 with %q", test.target, got.status, got.body, key, "uploads/ada/"+test.key)
		}
	}
}

func TestPathsRefused(t *testing.T) {
	s := start(t, &fakeEngine{})
	long := strings.Repeat("x", maxKey-len("uploads/ada/")+1)
	tests := []struct{ path, reason string }{
		{"auto/../b", "path has a segment that is . or .."},
		{"auto/a/%2e%2e/b", "path has a segment that is . or .."},
		{"auto/a%2F..%2Fb", "path has a segment that is . or .."},
		{"auto/./b", "path has a segment that is . or .."},
		{"auto/f5m%20%e9.bin", "path is not UTF-8"},
		{"auto/a%00b", "path has a control character"},
		{"auto/a%0Ab", "path has a control character"},
		{"auto/a%C2%85b", "path has a control character"},
		{"auto/a%EF%BF%BEb", "path has a character that is none"},
		{"auto", "path is empty"},
		{"auto/%2F", "path is empty"},
		{"app_folder/x", "root is none of auto, dropbox and sandbox"},
		{"AUTO/x", "root is none of auto, dropbox and sandbox"},
		{"auto/" + long, "path is too long"},
		{"auto/.staging/x", "path is reserved"},
		{"auto//.staging%2Fx/y", "path is reserved"},
		{"auto/.staging", "path is reserved"},
		{"auto/desktop.ini", "path ends in a file name that is never stored"},
		{"auto/a/Thumbs.DB", "path ends in a file name that is never stored"},
		{"auto/a/.DS_Store/", "path ends in a file name that is never stored"},
		{"auto/a%2F.dropbox", "path ends in a file name that is never stored"},
		{"auto/.Dropbox.attr", "path ends in a file name that is never stored"},
		{"auto/Icon%0D", "path has a control character"},
	}
	for _, test := range tests {
		for _, endpoint := range []string{"commit_chunked_upload", "files_put"} {
			got := s.call(t, "POST", "/1/"+endpoint+"/"+test.path+"?upload_id="+testID, "", "")
			if want := `{"error": "` + test.reason + `"}`; got.status != http.StatusBadRequest || got.body != want {
				t.Errorf("%s %.40s: got %d %s, want 400 %s", endpoint, test.path, got.status, got.body, want)
			}
		}
	}
}

// A name that is ignored at a path's end is a folder's name like any other.
func TestIgnoredNamesMayBeFolders(t *testing.T) {
	s := New(Config{})
	for _, path := range []string{".dropbox/x", "desktop.ini/x", "desktop.ini2", "x.dropbox"} {
		if _, err := s.destination(Account{}, "auto", path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLongestPath(t *testing.T) {
	s := New(Config{KeyPrefix: "uploads/"})
	account := Account{Prefix: "ada/"}
	most := strings.Repeat("x", maxKey-len("uploads/ada/"))
	if _, err := s.locate(account, "auto", most); err != nil {
		t.Errorf("key of %d bytes: %v", maxKey, err)
	}
}

// Whatever stands in a request line behind an endpoint, or in its query, every
// key that the engine is given stays under the account's prefix, out of the
// staging prefix and within S3's limit, and is a clean path.
func FuzzPaths(f *testing.F) {
	for _, path := range []string{
		"auto/a/b", "auto/../x", "auto//a//", "auto%2F.staging/x", "sandbox/%2fé%20x", "auto/%e9", "auto/a%00", "auto/..", "auto/a/%2e%2e/",
		"dropbox/.staging", "auto/.staging%2f", "auto/%252e%252e/x", "%2f%2e%2e/auto/x", "auto/..%5cx", "auto/.DS_Store", "../../1/files_put/auto/x",
	} {
		f.Add(path, "overwrite=0&path="+path)
	}
	var t *testing.T
	s := New(Config{
		KeyPrefix: "uploads/", StagingPrefix: "uploads/ada/.staging/",
		Auth: mustTokens(f, tokensFile), Log: slog.New(slog.DiscardHandler),
	})
	checkNames := func(r upload.CommitRequest) {
		for n := range 3 {
			if key, ok := r.Key(n); ok {
				checkKey(t, s, key, r.Root)
			}
		}
	}
	s.cfg.Engine = &fakeEngine{
		commit: func(_ context.Context, r upload.CommitRequest) (upload.Object, error) {
			checkNames(r)
			return upload.Object{}, nil
		},
		put: func(_ context.Context, r upload.PutRequest) (upload.Object, error) {
			checkNames(r.CommitRequest)
			return upload.Object{}, nil
		},
		append: func(_ context.Context, c upload.Chunk) (upload.Status, error) {
			if c.Destination != "" {
				checkKey(t, s, c.Destination, c.Root)
			}
			return upload.Status{}, nil
		},
	}
	for _, path := range []string{"/", "//1/x/", "/1%2Fx", "*", "", "a//b"} {
		f.Add(path, "")
	}
	f.Fuzz(func(tt *testing.T, path, query string) {
		t = tt
		checkCanonical(t, path)
		for _, line := range []string{
			"POST /1/commit_chunked_upload/" + path + "?upload_id=" + testID + "&" + query, "POST /1/files_put/" + path + "?" + query, "PUT /1/chunked_upload?" + query,
		} {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line + " HTTP/1.1\r\nHost: x\r\n" + bearer + "\r\n")))
			if err == nil { // else net/http answers 400 itself
				s.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	})
}

func checkKey(t *testing.T, s *Server, key, root string) {
	rest, ok := strings.CutPrefix(key, "uploads/ada/")
	if !ok || root != "uploads/ada/" || rest == "" || strings.HasPrefix(key+"/", s.cfg.StagingPrefix) {
		t.Errorf("a key leaves its place: %q", key)
	}
	if len(key) > maxKey || !utf8.ValidString(key) {
		t.Errorf("no key of S3: %q", key)
	}
	for name := range strings.SplitSeq(rest, "/") {
		if name == "" || name == "." || name == ".." {
			t.Errorf("segment %q in %q", name, key)
		}
	}
}

// checkCanonical: canonicalising gives one form, and again the same.
func checkCanonical(t *testing.T, path string) {
	t.Helper()
	once := canonicalPath(t, path)
	if strings.Contains(once, "//") || !strings.HasPrefix(once, "/") || once != "/" && strings.HasSuffix(once, "/") {
		t.Errorf("%q becomes %q", path, once)
	}
	if again := canonicalPath(t, once); again != once {
		t.Errorf("%q becomes %q, then %q", path, once, again)
	}
	if got, want := strings.ReplaceAll(once, "/", ""), strings.ReplaceAll(path, "/", ""); got != want {
		t.Errorf("%q becomes %q: more than slashes changed", path, once)
	}
}

func canonicalPath(tb testing.TB, path string) string {
	tb.Helper()
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path, RawPath: "/raw"}}
	c := echo.New().NewContext(r, httptest.NewRecorder())
	if err := canonical(func(echo.Context) error { return nil })(c); err != nil {
		tb.Fatal(err)
	}
	if r.URL.RawPath != "" {
		tb.Errorf("RawPath %q is left", r.URL.RawPath)
	}
	return r.URL.Path
}
