package clienttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	mib   = 1 << 20
	chunk = 4 * mib // what most clients send; below S3's least part of 5 MiB
)

// sizes in bytes. Every client can upload every one of them.
var sizes = []int64{
	0, // one empty chunk, then the commit (PROTOCOL 3.2)
	1,
	5*mib - 1,
	5 * mib,   // exactly S3's least part
	3 * chunk, // stacktic sends an empty fourth chunk (PROTOCOL 3.1)
	25*mib + 3,
}

// answer is the server's to a commit, as the client's library understood it.
type answer struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// result is what a driver prints.
type result struct {
	answer        // to the commit
	Found  answer `json:"found"`  // to a request for metadata
	SHA256 string `json:"sha256"` // of what the client read back, in hex
}

// driver is a program around a real client's library.
type driver struct {
	// key of the n-th file, with characters that this client escapes in a way
	// of its own (PROTOCOL 1.0).
	key func(n int) string
	// command uploads file to "/" + key and reads it back.
	command func(file, key string) *exec.Cmd
}

func TestDropboxJS(t *testing.T) {
	srv := start(t)
	run(t, srv, driver{
		key: func(n int) string { return fmt.Sprintf("dropbox-js/dir (a)!/é+%d.bin", n) },
		command: func(file, key string) *exec.Cmd {
			return exec.Command("node", "js/upload.js", srv.BaseURL, srv.Token, file, key, fmt.Sprint(chunk))
		},
	})
}

func TestStacktic(t *testing.T) {
	srv := start(t)
	program := buildStacktic(t)
	run(t, srv, driver{
		key: func(n int) string { return fmt.Sprintf("stacktic/dir a/é+%d.bin", n) },
		command: func(file, key string) *exec.Cmd {
			return exec.Command(program, srv.BaseURL, srv.Token, file, key, fmt.Sprint(chunk))
		},
	})
}

func TestFileDropbox(t *testing.T) {
	srv := start(t)
	proxyURL, caFile := tlsFront(t, srv.BaseURL)
	run(t, srv, driver{
		// No space: the client escapes nothing, so a space would break its request line.
		key: func(n int) string { return fmt.Sprintf("file-dropbox/é+%d.bin", n) },
		command: func(file, key string) *exec.Cmd {
			// The leading slash makes it send …/dropbox//file-dropbox/….
			return exec.Command("perl", "perl/upload.pl", proxyURL, caFile, srv.Token, file, "/"+key, fmt.Sprint(chunk))
		},
	})
}

// run uploads a file of each size, and compares the object, and what the client
// reads back, with it.
func run(t *testing.T, srv target, d driver) {
	for n, size := range sizes {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			f := newFile(t, size)
			key := d.key(n)

			var stdout, stderr bytes.Buffer
			cmd := d.command(f.name, key)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, &stderr)
			}

			var got result
			if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
				t.Fatalf("answer %q: %v", &stdout, err)
			}
			file := answer{Path: "/" + key, Bytes: size}
			if want := (result{file, file, f.sha256}); got != want {
				t.Errorf("the client says %+v, want %+v", got, want)
			}
			if got := srv.SHA256(t, key); got != f.sha256 {
				t.Errorf("SHA-256 of the object %s, of the file %s", got, f.sha256)
			}
		})
	}
}

// buildStacktic builds the driver in GOPATH mode against Debian's sources: the
// library has no go.mod and is built as it is installed.
func buildStacktic(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "upload")
	cmd := exec.Command("go", "build", "-o", program, "upload.go")
	cmd.Dir = "stacktic"
	cmd.Env = append(cmd.Environ(), "GO111MODULE=off", "GOFLAGS=", "GOPATH=/usr/share/gocode")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the stacktic driver (Debian: golang-github-stacktic-dropbox-dev): %v\n%s", err, out)
	}
	return program
}
