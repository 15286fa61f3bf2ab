package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// host starts servers for a program as a test's testing.TB does for a test: it
// is the testserver.TB of `make bench`.
type host struct {
	mu       sync.Mutex
	cleanups []func()
	failed   bool
}

// fatal is what Fatal panics with. Servers are started by the main goroutine
// only.
type fatal struct{ error }

// run calls work and then ends whatever was started meanwhile, also when it was
// cut short by Fatal.
func (h *host) run(work func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(fatal)
			if !ok {
				h.end()
				panic(r)
			}
			err = f.error
		}
		h.failed = err != nil
		h.end()
	}()
	return work()
}

// end runs what Cleanup was given, the last first.
func (h *host) end() {
	for {
		h.mu.Lock()
		n := len(h.cleanups)
		if n == 0 {
			h.mu.Unlock()
			return
		}
		last := h.cleanups[n-1]
		h.cleanups = h.cleanups[:n-1]
		h.mu.Unlock()
		last()
	}
}

// Cleanup implements testserver.TB, as do all below.
func (h *host) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}

func (h *host) TempDir() string {
	dir, err := os.MkdirTemp("", "chunkgate-bench-")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (h *host) Helper() {}

func (h *host) Failed() bool { return h.failed }

func (h *host) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (h *host) Fatal(args ...any) { panic(fatal{errors.New(fmt.Sprint(args...))}) }

func (h *host) Fatalf(format string, args ...any) { panic(fatal{fmt.Errorf(format, args...)}) }
