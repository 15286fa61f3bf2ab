package wiretest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

// onePath is what all of oneFile's forms name.
const onePath = "dir a/é+x&y.bin"

// oneFile are the ways in which clients write one and the same path (PROTOCOL
// 1.0); ENDPOINT takes the place of `files_put` and its like.
var oneFile = []string{
	"/1/ENDPOINT/auto/dir%20a/%C3%A9%2Bx%26y.bin",          // Python, Ruby, dropbox-js
	"/1/ENDPOINT/auto/dir%20a%2F%C3%A9%2Bx%26y.bin",        // stacktic, PHP
	"/1/ENDPOINT%2Fauto%2Fdir%20a%2F%C3%A9%2Bx%26y.bin",    // stacktic on the API host
	"/1/ENDPOINT/sandbox/%2fdir%20a%2f%c3%a9%2bx%26y.bin",  // dropbox_uploader.sh
	"/1/ENDPOINT/auto/dir%20a/%C3%A9+x&y.bin",              // Java
	"/1/ENDPOINT/dropbox//dir%20a/é+x&y.bin",               // File::Dropbox
	"/1/ENDPOINT//auto/dir%20a/%C3%A9%2Bx%26y.bin",         // Python, of a path with its root
	"//1/ENDPOINT/auto/dir%20a/%C3%A9%2Bx%26y.bin",         // generated from the old documents
	"///1///ENDPOINT///auto///dir%20a///%C3%A9+x&y.bin///", // more of the same
	"/1/ENDPOINT/auto/dir%20a/%C3%A9%2Bx%26y.bin/",         // Android ends chunked_upload so
	"/1/ENDPOINT/auto/dir%20a/%C3%A9%2Bx%26y.bin%2F",
	"/%31/ENDPOINT/auto/%64ir%20a/%C3%A9%2Bx%26y.bin",
	"http://api-content.dropbox.com//1/ENDPOINT/auto/dir%20a/%C3%A9%2Bx%26y.bin", // as through a proxy
}

// TestPathForms stores and reads the file through every form.
func TestPathForms(t *testing.T) {
	start(t).testPathForms(t)
}

func (s stack) testPathForms(t *testing.T) {
	for _, form := range oneFile {
		t.Run(form, func(t *testing.T) {
			committed, whole := []byte("committed as "+form), []byte("put as "+form)
			target := func(endpoint string) string { return strings.Replace(form, "ENDPOINT", endpoint, 1) }
			id := member(t, s.mustAnswer(t, "PUT", "/1/chunked_upload", committed), "upload_id")

			made := s.mustAnswer(t, "POST", target("commit_chunked_upload")+"?upload_id="+id, nil)
			s.wantOneFile(t, made, committed)
			made = s.mustAnswer(t, "PUT", target("files_put"), whole)
			s.wantOneFile(t, made, whole)

			if got := s.mustAnswer(t, "GET", target("files"), nil); string(got) != string(whole) {
				t.Errorf("read %q, want %q", got, whole)
			}
			if got := member(t, s.mustAnswer(t, "GET", target("metadata"), nil), "path"); got != "/"+onePath {
				t.Errorf("metadata is of %q, want %q", got, "/"+onePath)
			}
		})
	}
}

// TestChunkForms: the endpoint without a path has forms, too.
func TestChunkForms(t *testing.T) {
	start(t).testChunkForms(t)
}

func (s stack) testChunkForms(t *testing.T) {
	for _, form := range []string{
		"/1/chunked_upload", "/1/chunked_upload/", "//1/chunked_upload", "///1//chunked_upload//", "/1%2Fchunked_upload",
		"http://content.dropboxapi.com/1/chunked_upload/",
	} {
		for _, method := range []string{"PUT", "POST"} {
			t.Run(method+" "+form, func(t *testing.T) {
				got := s.mustAnswer(t, method, form+"?offset=0", []byte("chunk"))
				if !strings.HasSuffix(string(got), `"offset": 5}`) {
					t.Errorf("answer %s", got)
				}
			})
		}
	}
}

// TestPathsRefused: what would lead out of the owner's prefix, or into the
// proxy's own, is refused and never cleaned up silently.
func TestPathsRefused(t *testing.T) {
	s := start(t)
	for _, path := range []string{
		"..", "../x", "%2e%2e/x", "a/%2E%2e%2fx", "a/../../x", "./x", "x%2f.", "a%00b", "a%0Ab", "%e9.bin", "", "%2f", strings.Repeat("x", 1100),
	} {
		t.Run(path[:min(len(path), 20)], func(t *testing.T) {
			got := s.request(t, "PUT", "/1/files_put/auto/"+path, []byte("x"))
			if got.status != "HTTP/1.1 400 Bad Request" || member(t, got.body, "error") == "" {
				t.Errorf("answer %s", got)
			}
		})
	}
	for key, err := range s.objects.List(t.Context(), "") {
		t.Errorf("the store has %q, %v", key, err)
	}
}

// request sends one over a socket, so that nothing makes its target tidy.
func (s stack) request(t *testing.T, method, target string, body []byte) reply {
	t.Helper()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: api-content.dropbox.com\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
		method, target, testserver.Token, len(body))
	return exchange(t, s.proxies[0], []byte(head), body)
}

// mustAnswer demands 200 itself, and not a redirect to it.
func (s stack) mustAnswer(t *testing.T, method, target string, body []byte) []byte {
	t.Helper()
	got := s.request(t, method, target, body)
	if got.status != "HTTP/1.1 200 OK" {
		t.Fatalf("%s %s:\n%s", method, target, got)
	}
	return got.body
}

func member(t *testing.T, answer []byte, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(answer, &members); err != nil {
		t.Fatalf("answer %q: %v", answer, err)
	}
	value, ok := members[name].(string)
	if !ok {
		t.Fatalf("answer %s has no %s", answer, name)
	}
	return value
}

// wantOneFile checks what an answer names, and that it is all there is.
func (s stack) wantOneFile(t *testing.T, answer, body []byte) {
	t.Helper()
	if got := member(t, answer, "path"); got != "/"+onePath {
		t.Errorf("path is %q, want %q", got, "/"+onePath)
	}
	if keys := s.keys(t, ""); !slices.Equal(keys, []string{onePath}) {
		t.Fatalf("the store has %q, want %q alone", keys, onePath)
	}
	if s.read(t, onePath) != sha256.Sum256(body) {
		t.Errorf("the file is not %q", body)
	}
}
