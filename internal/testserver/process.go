// Package testserver starts the real servers that the tests and the benchmark
// run against, each a process of its own on a free loopback port, and ends
// exactly those.
package testserver

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// TB is what the servers need of whoever starts them: a test, or a program that
// ends what it started.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Failed() bool
	Logf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Process is a server that a test started.
type Process struct {
	cmd    *exec.Cmd
	out    lockedBuffer
	exited chan struct{}
}

// start runs a program until the test ends and waits until ready says yes.
func start(tb TB, ready func(context.Context) error, env []string, name string, args ...string) *Process {
	tb.Helper()
	return startEnding(tb, syscall.SIGKILL, ready, env, name, args...)
}

// startEnding is start, with the signal that ends the process when the test is
// killed.
func startEnding(tb TB, last syscall.Signal, ready func(context.Context) error, env []string, name string, args ...string) *Process {
	tb.Helper()
	p := &Process{cmd: exec.Command(name, args...), exited: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.SysProcAttr = endWithParent(last)
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", filepath.Base(name), err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	tb.Cleanup(func() {
		p.Kill()
		if tb.Failed() {
			tb.Logf("%s said:\n%s", filepath.Base(name), p.out.tail(4096))
		}
	})
	p.await(tb, ready)
	return p
}

// await polls ready until it holds; a minute without it, or the end of the
// process, fails the test.
func (p *Process) await(tb TB, ready func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-p.exited:
			tb.Fatalf("%s ended at once:\n%s", p.cmd.Path, p.out.tail(4096))
		case <-ctx.Done():
			tb.Fatalf("%s did not get ready: %v\n%s", p.cmd.Path, err, p.out.tail(4096))
		case <-tick.C:
		}
	}
}

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// ExitCode is the code of a process that has exited; -1 if by a signal.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// Signal sends the process a signal, for example SIGSTOP.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Kill ends the process, as a crash would, and waits for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Output is what the process has printed so far, at most its last 64 KiB.
func (p *Process) Output() string { return p.out.tail(64 << 10) }

// Ports from which FreeAddr takes one. They end where Linux begins to give them
// to outgoing connections, which would take one before the server starts.
const (
	firstPort = 10_000
	ports     = 22_768
)

// given are the addresses that FreeAddr answered in this process.
var given sync.Map

// FreeAddr is a loopback address that nobody listens on at the moment, another
// one each time.
func FreeAddr(tb TB) string {
	tb.Helper()
	var last error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(ports))
		if _, again := given.LoadOrStore(addr, true); again {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err == nil {
			_ = l.Close()
			return addr
		}
		last = err
	}
	tb.Fatalf("find a free port: %v", last)
	return ""
}

// Root is the folder of the main module.
func Root(tb TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "tools", "minio", "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal(fmt.Errorf("not inside the module"))
		}
		dir = filepath.Dir(dir)
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.buf.Bytes()
	return string(s[max(0, len(s)-n):])
}
