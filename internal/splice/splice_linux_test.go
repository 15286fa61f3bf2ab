package splice_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/splice"
)

// pair is the two ends of a connection over loopback.
func pair(t *testing.T) (near, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialled, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dialled.Close(); _ = accepted.Close() })
	for _, c := range []net.Conn{dialled, accepted} {
		if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	return dialled.(*net.TCPConn), accepted.(*net.TCPConn)
}

func mustRaw(t *testing.T, c *net.TCPConn) syscall.RawConn {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustNew(t *testing.T) *splice.Pipe {
	t.Helper()
	p, err := splice.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// What comes in at one connection goes out at the other.
func TestSplice(t *testing.T) {
	if !splice.Supported() {
		t.Fatal("splice(2) is not to be had on this machine")
	}
	content := make([]byte, 5<<20+7)
	rand.NewChaCha8([32]byte{1}).Read(content)
	in, from := pair(t)
	to, out := pair(t)
	go func() {
		_, _ = in.Write(content)
		_ = in.CloseWrite()
	}()
	received := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(out)
		received <- all
	}()

	body := mustNew(t)
	for {
		n, err := body.Fill(mustRaw(t, from), splice.Capacity)
		if err == io.EOF {
			break
		}
		if err != nil || n != body.Len() {
			t.Fatalf("filled %d bytes, %v; the pipe holds %d", n, err, body.Len())
		}
		if sent, err := body.Drain(mustRaw(t, to)); sent != n || err != nil {
			t.Fatalf("drained %d of %d bytes: %v", sent, n, err)
		}
	}
	if err := to.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := <-received; !bytes.Equal(got, content) {
		t.Errorf("%d bytes came out, and not those that went in", len(got))
	}
}

// Fill waits no longer than the connection's deadline, and takes nothing then.
func TestFillDeadline(t *testing.T) {
	_, from := pair(t)
	if err := from.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	p := mustNew(t)
	if n, err := p.Fill(mustRaw(t, from), 100); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("filled %d bytes, %v; want none, and that the deadline has passed", n, err)
	}
}

// What could not be sent stays in the pipe, which says so.
func TestDrainFails(t *testing.T) {
	in, from := pair(t)
	to, _ := pair(t)
	if _, err := in.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	p := mustNew(t)
	if _, err := p.Fill(mustRaw(t, from), 1000); err != nil {
		t.Fatal(err)
	}
	raw := mustRaw(t, to)
	if err := to.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Drain(raw); n != 0 || err == nil || p.Len() == 0 {
		t.Errorf("drained %d bytes, %v, and %d are left; want an error", n, err, p.Len())
	}
}
