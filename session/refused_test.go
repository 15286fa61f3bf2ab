package session

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TestRefusedInWords refuses a connection as a Redis in protected mode does, and
// wants its words instead of what then happens to the socket.
func TestRefusedInWords(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("-DENIED Redis is running in protected mode\r\n"))
			_ = conn.Close()
		}
	}()

	t.Run("of a connection", func(t *testing.T) {
		conn, err := dial(time.Second)(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for err == nil { // the first may find the socket open still
			_, err = conn.Write([]byte("PING\r\n"))
		}
		if !strings.Contains(err.Error(), "DENIED Redis is running in protected mode") {
			t.Errorf("got %v, want what Redis said", err)
		}
	})
	t.Run("of a client", func(t *testing.T) {
		client, err := Connect("redis://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := New(client, Options{}).Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "DENIED") {
			t.Errorf("got %v, want what Redis said", err)
		}
	})
}
