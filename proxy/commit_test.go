package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chunkgate/chunkgate/upload"
)

const (
	query  = "?upload_id=" + testID
	formed = "Content-Type: application/x-www-form-urlencoded\r\n"
	etag   = `"900150983cd24fb0d6963f7d28e17f72-12"`
)

// mustCommit commits and answers what the engine was asked for.
func mustCommit(tb testing.TB, target, header, body string) (upload.CommitRequest, answer) {
	tb.Helper()
	var asked upload.CommitRequest
	s := start(tb, &fakeEngine{commit: func(_ context.Context, r upload.CommitRequest) (upload.Object, error) {
		asked = r
		key, _ := r.Key(0)
		return upload.Object{Key: key, Size: 339773, ETag: etag, Modified: time.UnixMilli(1365699917000)}, nil
	}})
	got := s.call(tb, "POST", "/1/commit_chunked_upload/"+target, header, body)
	if got.status != http.StatusOK {
		tb.Fatalf("got %d %s, want 200", got.status, got.body)
	}
	return asked, got
}

func TestWireOfCommit(t *testing.T) {
	_, got := mustCommit(t, "auto/Photos/B%C3%B6ston%20%F0%9F%8C%83.JPG"+query, "", "")
	want := `{"rev": "900150983cd24fb0d6963f7d28e17f72000c", "thumb_exists": false, ` +
		`"path": "/Photos/B\u00f6ston \ud83c\udf03.JPG", "is_dir": false, "client_mtime": "Thu, 11 Apr 2013 17:05:17 +0000", ` +
		`"icon": "page_white_picture", "read_only": false, "modifier": null, "bytes": 339773, ` +
		`"modified": "Thu, 11 Apr 2013 17:05:17 +0000", "size": "331.8 KB", "root": "dropbox", ` +
		`"mime_type": "image/jpeg", "revision": 1365699917000}`
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// Parameters as clients send them: in the query, in a form of either kind,
// split between them, with the headers that they really send.
func TestCommitRequests(t *testing.T) {
	absent := upload.Condition{Absent: true}
	multipart := strings.Join([]string{
		"--b", `Content-Disposition: form-data; name="overwrite"`, "", "0",
		"--b", `Content-Disposition: form-data; name="f"; filename="upload_id"`, "", "a file",
		"--b", `Content-Disposition: form-data; name="upload_id"`, "", testID,
		"--b--", "",
	}, "\r\n")
	tests := map[string]struct {
		target, header, body string
		want                 upload.Condition
	}{
		"perl, no length":     {"dropbox//x" + query + "&", "", "", upload.Condition{}},
		"go, empty type":      {"auto/x?locale=en&overwrite=true&upload_id=" + testID, "Content-Type:\r\nContent-Length: 0\r\n", "", upload.Condition{}},
		"zd, octet-stream":    {"auto/x" + query, "Content-Type: application/octet-stream\r\nContent-Length: 0\r\n", "", upload.Condition{}},
		"python, split":       {"auto/x?locale=en", formed + "Content-Length: 48\r\n", "overwrite=False&upload_id=" + testID, absent},
		"java, charset":       {"auto/x", "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 61\r\n", "locale=en_US&upload_id=" + testID + "&overwrite=false", absent},
		"form, chunked":       {"auto/x", formed + "Transfer-Encoding: chunked\r\n", "20\r\nupload_id=" + testID + "\r\n0\r\n\r\n", upload.Condition{}},
		"form, malformed":     {"auto/x" + query, formed + "Content-Length: 15\r\n", "%zz;&overwrite=0", upload.Condition{}},
		"multipart":           {"auto/x?locale=en", "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n", chunked(multipart), absent},
		"everything in both":  {"auto/x" + query + "&overwrite=1", formed + "Content-Length: 44\r\n", "upload_id=" + testID + "&overwrite=1", upload.Condition{}},
		"empty is absent":     {"auto/x" + query + "&parent_rev=&overwrite=", "", "", upload.Condition{}},
		"parent_rev":          {"auto/x" + query + "&parent_rev=900150983cd24fb0d6963f7d28e17f72000c", "", "", upload.Condition{Match: etag}},
		"parent_rev wins":     {"auto/x" + query + "&overwrite=false&parent_rev=900150983cd24fb0d6963f7d28e17f72000c", "", "", upload.Condition{Match: etag}},
		"id in empty, filled": {"auto/x?upload_id=&upload_id=" + testID, "", "", upload.Condition{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := mustCommit(t, test.target, test.header, test.body)
			want := upload.CommitRequest{Owner: "ada", ID: testID, Root: "uploads/ada/", Condition: test.want, ContentType: "application/octet-stream"}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(upload.CommitRequest{}, "Key", "Terms")); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func chunked(body string) string {
	const hex = "0123456789abcdef"
	n := len(body)
	return string([]byte{hex[n>>8&15], hex[n>>4&15], hex[n&15]}) + "\r\n" + body + "\r\n0\r\n\r\n"
}

func TestCommitsRefused(t *testing.T) {
	long := "Content-Length: 65600\r\n"
	tests := map[string]struct{ target, header, body, reason string }{
		"no id":          {"auto/x", "", "", "upload_id is missing"},
		"empty id":       {"auto/x?upload_id=", "", "", "upload_id is missing"},
		"overwrite":      {"auto/x" + query + "&overwrite=yes", "", "", "overwrite is neither true nor false"},
		"autorename":     {"auto/x" + query + "&autorename=2", "", "", "autorename is neither true nor false"},
		"parent_rev":     {"auto/x" + query + "&parent_rev=zz", "", "", "parent_rev is no revision of a file"},
		"long form":      {"auto/x" + query, formed + long, strings.Repeat("x", 65600), "form is too long"},
		"long multipart": {"auto/x" + query, "Content-Type: multipart/form-data; boundary=b\r\n" + long, strings.Repeat("x", 65600), "form is too long"},
		"no boundary":    {"auto/x" + query, "Content-Type: multipart/form-data\r\nContent-Length: 1\r\n", "x", "multipart form has no boundary"},
		"early end":      {"auto/x" + query, "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 50\r\n", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "multipart form is malformed"},
	}
	s := start(t, &fakeEngine{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := s.call(t, "POST", "/1/commit_chunked_upload/"+test.target, test.header, test.body)
			if want := `{"error": "` + test.reason + `"}`; got.status != http.StatusBadRequest || got.body != want {
				t.Errorf("got %d %s, want 400 %s", got.status, got.body, want)
			}
		})
	}
}

// An unknown upload is 404 to a chunk, but 400 to a commit.
func TestCommitErrors(t *testing.T) {
	tests := []struct {
		err    error
		status int
		body   string
	}{
		{upload.ErrNotFound, 400, `{"error": "No upload with upload_id found."}`},
		{upload.ErrCompleted, 400, `{"error": "Upload with upload_id v0k84B0AT9fYkfMUp0sBTA already completed"}`},
		{upload.ErrConflict, 409, `{"error": "There is a file or a folder in the way"}`},
		{upload.ErrBusy, 503, `{"error": "The upload is being committed"}`},
		{errors.New("secret"), 500, `{"error": "Internal error"}`},
	}
	for _, test := range tests {
		s := start(t, &fakeEngine{commit: func(context.Context, upload.CommitRequest) (upload.Object, error) {
			return upload.Object{}, test.err
		}})
		got := s.call(t, "POST", "/1/commit_chunked_upload/auto/x"+query, "", "")
		if got.status != test.status || got.body != test.body {
			t.Errorf("%v: got %d %s, want %d %s", test.err, got.status, got.body, test.status, test.body)
		}
	}
}

func TestBools(t *testing.T) {
	for v, want := range map[string]bool{
		"true": true, "True": true, "TRUE": true, "1": true,
		"false": false, "False": false, "fAlSe": false, "0": false,
	} {
		for _, absent := range []bool{true, false} {
			if got, err := parseBool(map[string][]string{"b": {v}}, "b", absent); err != nil || got != want {
				t.Errorf("%q: got %v, %v, want %v", v, got, err, want)
			}
			if got, err := parseBool(map[string][]string{"b": {""}}, "b", absent); err != nil || got != absent {
				t.Errorf("absent: got %v, %v, want %v", got, err, absent)
			}
		}
	}
	for _, v := range []string{"yes", "t", "2", " true", "-1", "none"} {
		if _, err := parseBool(map[string][]string{"b": {v}}, "b", true); err == nil {
			t.Errorf("%q passes", v)
		}
	}
}

// The names that are tried, by the decision table of PROTOCOL 3.13.
func TestNames(t *testing.T) {
	const rev = "900150983cd24fb0d6963f7d28e17f72"
	tests := map[string][]string{
		"":                                   {"d.d/a.tar.gz"},
		"overwrite=true&autorename=true":     {"d.d/a.tar.gz"},
		"overwrite=false&autorename=false":   {"d.d/a.tar.gz"},
		"overwrite=false":                    {"d.d/a.tar.gz", "d.d/a.tar (1).gz", "d.d/a.tar (2).gz"},
		"parent_rev=" + rev:                  {"d.d/a.tar.gz", "d.d/a.tar (conflicted copy).gz", "d.d/a.tar (conflicted copy 2).gz"},
		"autorename=false&parent_rev=" + rev: {"d.d/a.tar.gz"},
		"overwrite=false&parent_rev=" + rev:  {"d.d/a.tar.gz", "d.d/a.tar (conflicted copy).gz", "d.d/a.tar (conflicted copy 2).gz"},
	}
	for params, want := range tests {
		got := mustMode(t, params).names("d.d/a.tar.gz")
		for n, name := range want {
			if key, ok := got(n); !ok || key != name {
				t.Errorf("%s: name %d is %q, %t, want %q", params, n, key, ok, name)
			}
		}
		bound := len(want)
		if bound > 1 {
			bound = maxRenames + 1
		}
		if key, ok := got(bound); ok {
			t.Errorf("%s: name %d is %q, want none", params, bound, key)
		}
	}
	long := strings.Repeat("x", maxKey-3)
	if key, ok := mustMode(t, "overwrite=false").names(long)(1); !ok || len(key) > maxKey {
		t.Errorf("a name of %d bytes is offered, %v", len(key), ok)
	}
}

func mustMode(tb testing.TB, params string) mode {
	tb.Helper()
	values, err := url.ParseQuery(params)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := parseMode(values)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// Terms differ exactly when the result may.
func TestTerms(t *testing.T) {
	same := [][]string{
		{"", "overwrite=true", "overwrite=1", "autorename=false", "autorename=true"},
		{"overwrite=false", "overwrite=False&autorename=1"},
		{"overwrite=false&autorename=false"},
		{"parent_rev=900150983cd24fb0d6963f7d28e17f72", "overwrite=0&parent_rev=900150983cd24fb0d6963f7d28e17f72"},
		{"parent_rev=900150983cd24fb0d6963f7d28e17f73"},
		{"parent_rev=900150983cd24fb0d6963f7d28e17f73&autorename=0"},
	}
	seen := map[string]int{}
	for group, all := range same {
		for _, params := range all {
			terms := mustMode(t, params).terms("k")
			if g, ok := seen[terms]; ok && g != group {
				t.Errorf("%q has the terms of group %d", params, g)
			} else if !ok && params != all[0] {
				t.Errorf("%q differs from %q", params, all[0])
			}
			seen[terms] = group
		}
	}
	if m := mustMode(t, ""); m.terms("a") == m.terms("b") {
		t.Error("terms do not tell keys apart")
	}
}

func TestRenamed(t *testing.T) {
	for key, want := range map[string]string{
		"test.txt":   "test (1).txt",
		"test":       "test (1)",
		"a.tar.gz":   "a.tar (1).gz",
		".profile":   ".profile (1)",
		"d.x/test":   "d.x/test (1)",
		"d/.a.b":     "d/.a (1).b",
		"d/ends.":    "d/ends (1).",
		"d/ü.tö":     "d/ü (1).tö",
		"d/ .hidden": "d/  (1).hidden",
	} {
		if got, ok := renamed(key, " (1)"); got != want || !ok {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
}

// A name that a suffix would make too long for the store, or for S3, is made
// shorter first, and never within a character.
func TestLongNamesRenamed(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, test := range []struct{ key, want string }{
		{"d/" + x(248) + ".txt", "d/" + x(247) + " (1).txt"},
		{"d/" + x(255), "d/" + x(251) + " (1)"},
		{x(251), x(251) + " (1)"},
		{"d/" + strings.Repeat("ü", 125) + ".txt", "d/" + strings.Repeat("ü", 123) + " (1).txt"},
		{x(300), x(300) + " (1)"}, // a store that takes it takes longer ones
		{strings.Repeat("d/", 400) + x(224), strings.Repeat("d/", 400) + x(220) + " (1)"},
		{"d/a." + x(253), ""},
	} {
		got, ok := renamed(test.key, " (1)")
		if ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%d bytes: got %q, %v, want %q", len(test.key), got, ok, test.want)
		}
	}
}
