//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Opening a FIFO waits until somebody writes to it: as the tokens file it would
// keep the program from starting, from noticing revoked tokens and from ending.
func TestTokensFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "tokens")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHUNKGATE_S3_BUCKET", "uploads")
	t.Setenv("CHUNKGATE_S3_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("CHUNKGATE_TOKENS_FILE", fifo)
	wantUsage(t, "CHUNKGATE_TOKENS_FILE cannot be read: it is no regular file")

	link := filepath.Join(t.TempDir(), "link") // as Kubernetes mounts a Secret
	real := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(real, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	a := &authSettings{TokensFile: link}
	if content, err := a.readTokens(); err != nil || string(content) != "content" {
		t.Errorf("by a link: got %q, %v", content, err)
	}
}

// A tokens file that is on a mount whose server is gone does not hold up the
// start for ever, nor a stop meanwhile.
func TestTokensHang(t *testing.T) {
	never := make(chan struct{})
	defer close(never)
	hang := func() ([]byte, error) { <-never; return nil, nil }
	if _, err := within(t.Context(), 1, hang); err == nil || !strings.Contains(err.Error(), "takes longer") {
		t.Errorf("got %v", err)
	}
}

// Secrets of OAuth 1 that everybody may read are worth a warning; digests are not.
func TestTokensReadable(t *testing.T) {
	for content, warned := range map[string]bool{
		"oauth1:key:hunter2:token:hunter2 ada ada/\n":   true,
		"sha256:" + strings.Repeat("0a", 32) + " a a\n": false,
	} {
		for _, mode := range []os.FileMode{0o644, 0o640} {
			file := filepath.Join(t.TempDir(), "tokens")
			if err := os.WriteFile(file, []byte(content), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, mode); err != nil { // whatever the umask is
				t.Fatal(err)
			}
			var log bytes.Buffer
			s := &settings{Auth: authSettings{TokensFile: file}}
			if _, err := s.guard(t.Context(), func() {}, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(log.String(), "everybody on this machine"); got != (warned && mode == 0o644) || strings.Contains(log.String(), "hunter2") {
				t.Errorf("%s, %o: %s", content, mode, &log)
			}
		}
	}
}
