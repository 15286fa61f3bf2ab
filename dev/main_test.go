package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWelcome starts the stack, pastes the lines that it prints into a shell,
// and finds the README as a plain file.
func TestWelcome(t *testing.T) {
	t.Chdir(".") // and back at the end: the store changes the current folder
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	var out output
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--listen", freeLoopback(t), "--data", data}, &out, io.Discard)
	}()
	lines := pasteable(out.await(t, "commit_chunked_upload", ended))
	shell := exec.Command("bash", "-euo", "pipefail", "-c", lines)
	if answer, err := shell.CombinedOutput(); err != nil || !bytes.Contains(answer, []byte(`"path": "/README.md"`)) {
		t.Errorf("pasted:\n%s\nanswered: %s, %v", lines, answer, err)
	}
	got, err := os.ReadFile(filepath.Join(data, bucket, "README.md"))
	if err != nil || !bytes.Equal(got, readme) {
		t.Errorf("the file has %d bytes, want %d; %v", len(got), len(readme), err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the end: %v", err)
	}
}

// pasteable are the lines between the first blank line and the next.
func pasteable(printed string) string {
	_, lines, _ := strings.Cut(printed, "\n\n")
	lines, _, _ = strings.Cut(lines, "\n\n")
	return lines
}

func freeLoopback(t *testing.T) string {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Nobody else may reach a stack that lets anybody in.
func TestLoopbackOnly(t *testing.T) {
	for _, address := range []string{":8080", "0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80", "nonsense"} {
		l, err := listenLoopback(address)
		if err == nil {
			l.Close()
			t.Errorf("%s is listened on", address)
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0"} {
		l, err := listenLoopback(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
			t.Errorf("%s listens on %s", address, l.Addr())
		}
		l.Close()
	}
}

// output collects what is printed.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// await returns what was printed once it holds want and ends in a blank line.
func (o *output) await(t *testing.T, want string, ended <-chan error) string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		o.mu.Lock()
		s := o.b.String()
		o.mu.Unlock()
		if strings.Contains(s, want) && strings.HasSuffix(s, "\n\n") {
			return s
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		case <-deadline:
			t.Fatalf("it printed only %q", s)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
