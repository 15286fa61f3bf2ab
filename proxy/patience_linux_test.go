package proxy

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestPatienceOfAPace(t *testing.T) {
	for _, test := range []struct {
		perSecond int64
		want      int
	}{
		{1 << 10, 512}, {100 << 10, 50 << 10}, {128 << 10, mostPatience}, {400 << 10, mostPatience}, {slowClient, 0}, {10 << 20, 0},
	} {
		if got := worth(test.perSecond/4, time.Second/4); got != test.want {
			t.Errorf("%d bytes a second: got %d, want %d", test.perSecond, got, test.want)
		}
	}
}

// mustPair is the two ends of a TCP connection.
func mustPair(t *testing.T) (client net.Conn, server *strictConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(); _ = c.Close() })
	return client, &strictConn{Conn: c, patience: patience{raw: waitable(c)}}
}

// A slow client's bytes are waited for until there are enough, or no more can
// come: at the end of the body, of the connection, and at the deadline.
func TestPatience(t *testing.T) {
	const half = "0123456789"
	tests := map[string]struct {
		left int64
		end  func(client net.Conn, server *strictConn)
		want int
	}{
		"enough":     {1000, func(c net.Conn, _ *strictConn) { _, _ = c.Write([]byte(half)) }, 20},
		"end":        {10, func(net.Conn, *strictConn) {}, 10},
		"connection": {1000, func(c net.Conn, _ *strictConn) { _ = c.(*net.TCPConn).CloseWrite() }, 10},
		"deadline":   {1000, func(_ net.Conn, s *strictConn) { _ = s.SetReadDeadline(time.Unix(1, 0)) }, 10},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client, server := mustPair(t)
			server.framing.left = test.left
			server.patience.want = 20
			if _, err := client.Write([]byte(half)); err != nil {
				t.Fatal(err)
			}
			done := make(chan int, 1)
			go func() {
				n, err := server.Read(make([]byte, 100))
				if err != nil {
					t.Errorf("got %v", err)
				}
				done <- n
			}()
			test.end(client, server)
			if n := <-done; n != test.want {
				t.Errorf("got %d bytes, want %d", n, test.want)
			}
		})
	}
}

// A client that sends nothing is given up at the deadline as ever.
func TestPatienceWithNothing(t *testing.T) {
	_, server := mustPair(t)
	server.framing.left, server.patience.want = 1000, 20
	_ = server.SetReadDeadline(time.Unix(1, 0))
	if n, err := server.Read(make([]byte, 100)); n != 0 || !os.IsTimeout(err) {
		t.Errorf("got %d, %v, want a timeout", n, err)
	}
}

// Fewer bytes than are waited for are as good as none.
func TestRipe(t *testing.T) {
	client, server := mustPair(t)
	p := &server.patience
	p.adjust(20, 1000)
	for _, want := range []bool{false, true} {
		if _, err := client.Write(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		var got bool
		if err := p.raw.Control(func(fd uintptr) { got = ripe(fd) }); err != nil || got != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}

// signalling is a pipe that tells when there is nothing to take yet.
type signalling struct{ waits chan struct{} }

// Fill implements upload.Pipe.
func (s signalling) Fill(from syscall.RawConn, most int) (n int, err error) {
	waited := from.Read(func(fd uintptr) bool {
		if n, err = syscall.Read(int(fd), make([]byte, most)); err == syscall.EAGAIN {
			s.waits <- struct{}{}
		}
		return err != syscall.EAGAIN
	})
	return max(n, 0), errors.Join(waited, err)
}

// A splice takes what comes, also of a client that was waited for before.
func TestSpliceHasNoPatience(t *testing.T) {
	client, server := mustPair(t)
	server.raw, server.framing.left = spliceable(server.Conn), 1000
	server.patience.adjust(20, 1000)
	if err := server.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	pipe := signalling{make(chan struct{}, 10)}
	server.into = pipe
	go func() {
		<-pipe.waits
		_, _ = client.Write(make([]byte, 10))
	}()
	if n, err := server.Read(make([]byte, 100)); n != 10 || err != nil {
		t.Errorf("got %d bytes, %v; want the 10 that came", n, err)
	}
}
