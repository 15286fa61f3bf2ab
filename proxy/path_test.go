package proxy

import (
	"context"
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
		{"auto", "path is empty"},
		{"auto/%2F", "path is empty"},
		{"app_folder/x", "root is none of auto, dropbox and sandbox"},
		{"AUTO/x", "root is none of auto, dropbox and sandbox"},
		{"auto/" + long, "path is too long"},
		{"auto/.staging/x", "path is reserved"},
		{"auto//.staging%2Fx/y", "path is reserved"},
		{"auto/.staging", "path is reserved"},
	}
	for _, test := range tests {
		got := s.call(t, "POST", "/1/commit_chunked_upload/"+test.path+"?upload_id="+testID, "", "")
		if want := `{"error": "` + test.reason + `"}`; got.status != http.StatusBadRequest || got.body != want {
			t.Errorf("%.40s: got %d %s, want 400 %s", test.path, got.status, got.body, want)
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

// Whatever comes as root and path, the key stays under the account's prefix,
// out of the staging prefix and within S3's limit, and is a clean path.
func FuzzLocate(f *testing.F) {
	for _, path := range []string{"a/b", "../x", "//a//", ".staging/x", "é", "\xe9", "a\x00", "..", "a/..", ".staging"} {
		f.Add("auto", path)
	}
	s := New(Config{KeyPrefix: "uploads/", StagingPrefix: "uploads/ada/.staging/"})
	f.Fuzz(func(t *testing.T, root, path string) {
		p, err := s.locate(Account{Prefix: "ada/"}, root, path)
		if err != nil {
			return
		}
		rest, ok := strings.CutPrefix(p.key, "uploads/ada/")
		if !ok || rest == "" || strings.HasPrefix(p.key, s.cfg.StagingPrefix) {
			t.Errorf("%q leaves its place: %q", path, p.key)
		}
		if len(p.key) > maxKey || !utf8.ValidString(p.key) {
			t.Errorf("%q: no key of S3: %q", path, p.key)
		}
		for name := range strings.SplitSeq(rest, "/") {
			if name == "" || name == "." || name == ".." {
				t.Errorf("%q: segment %q", path, name)
			}
		}
	})
}

// Canonicalising gives one form, and again the same.
func FuzzCanonical(f *testing.F) {
	for _, path := range []string{"/", "//1/x/", "/1%2Fx", "*", "", "a//b"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
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
	})
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
