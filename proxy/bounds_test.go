package proxy

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// bounded is a server with small bounds of time, on plain TCP or with TLS.
func bounded(t *testing.T, over *tls.Config) net.Addr {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	s := New(Config{Engine: watchedEngine().fakeEngine, Auth: Anyone(), Log: log})
	srv := HTTPServer(s, log)
	if srv.ReadHeaderTimeout != headerTimeout || srv.IdleTimeout != keepAlive || srv.MaxHeaderBytes != maxHeaderBytes {
		t.Fatal("the server lacks a bound")
	}
	srv.ReadHeaderTimeout, srv.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(strictListener{Listener: l, tls: over, log: log})
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		<-done
	})
	return l.Addr()
}

// A client that sends its header, or its TLS handshake, byte by byte is let go
// after the time for a header, however busy it keeps the line; one that sends
// nothing between two requests, too.
func TestSlowHeaders(t *testing.T) {
	cert, _ := certificate(t)
	secure := &tls.Config{Certificates: []tls.Certificate{cert}}
	for name, test := range map[string]struct {
		over  *tls.Config
		first string
	}{
		"header":                   {nil, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nX-A: "},
		"nothing":                  {nil, ""},
		"TLS handshake":            {secure, "\x16\x03\x01\x00\xff"},
		"nothing, TLS":             {secure, ""},
		"header behind a request":  {nil, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nX-A: "},
		"silence behind a request": {nil, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", bounded(t, test.over).String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			began := time.Now()
			if _, err := io.WriteString(c, test.first); err != nil {
				t.Fatal(err)
			}
			trickle := time.NewTicker(20 * time.Millisecond)
			defer trickle.Stop()
			closed := make(chan string, 1)
			go func() {
				got, _ := io.ReadAll(c)
				closed <- string(got)
			}()
			for {
				select {
				case got := <-closed:
					if d := time.Since(began); d < 250*time.Millisecond || strings.Count(got, " 200 OK") != strings.Count(test.first, "x\r\n\r\n") {
						t.Errorf("closed after %v with %q", d, got)
					}
					return
				case <-trickle.C:
					if !strings.HasPrefix(name, "nothing") && !strings.HasPrefix(name, "silence") {
						_, _ = io.WriteString(c, "a")
					}
				}
				if time.Since(began) > 10*time.Second {
					t.Fatal("the connection stays open")
				}
			}
		})
	}
}

// A header is at most 64 KiB, net/http's slack aside, however it is made up.
func TestLongHeaders(t *testing.T) {
	s := start(t, &fakeEngine{append: take})
	line := "X-A: " + strings.Repeat("a", 1000) + "\r\n"
	for name, test := range map[string]struct {
		header string
		status int
	}{
		"32 KiB":       {strings.Repeat(line, 32), 200},
		"one line":     {"X-A: " + strings.Repeat("a", 70<<10) + "\r\n", 431},
		"many lines":   {strings.Repeat(line, 70), 431},
		"long request": {"", 431},
	} {
		t.Run(name, func(t *testing.T) {
			target := "/1/chunked_upload"
			if test.header == "" {
				target += "?x=" + strings.Repeat("a", 70<<10)
			}
			got := s.send(t, "PUT "+target+" HTTP/1.1\r\nHost: x\r\n"+bearer+test.header+"Content-Length: 5\r\n\r\nhello")
			if got.status != test.status || got.close != (test.status == 431) {
				t.Errorf("got %d %s, closing: %t, want %d", got.status, got.body, got.close, test.status)
			}
		})
	}
}
