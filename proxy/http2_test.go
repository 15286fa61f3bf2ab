package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// mustDialTLS opens a connection and says which protocol was agreed upon.
func mustDialTLS(tb testing.TB, addr string, trusted *x509.CertPool, protos ...string) (*tls.Conn, string) {
	tb.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: trusted, NextProtos: protos})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c, c.ConnectionState().NegotiatedProtocol
}

// Each HTTP/2 connection may fill a megabyte before anybody reads it. Beyond
// some, a client gets HTTP/1.1 instead, and HTTP/2 again once others have left.
func TestHTTP2ConnectionsAreBounded(t *testing.T) {
	cert, trusted := certificate(t)
	addr := serveTLS(t, Config{Engine: &fakeEngine{append: take}, Auth: Anyone(), HTTP2: true,
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	first, _ := mustDialTLS(t, addr, trusted, "h2", "http/1.1")
	for n := 1; n < http2Connections; n++ {
		if _, proto := mustDialTLS(t, addr, trusted, "h2", "http/1.1"); proto != "h2" {
			t.Fatalf("connection %d speaks %s", n, proto)
		}
	}
	for range 3 {
		if c, proto := mustDialTLS(t, addr, trusted, "h2", "http/1.1"); proto != "http/1.1" {
			t.Errorf("one too many speaks %s", proto)
		} else {
			_ = c.Close()
		}
	}
	_ = first.Close()
	await(t, "HTTP/2 again", func() bool {
		_, proto := mustDialTLS(t, addr, trusted, "h2", "http/1.1")
		return proto == "h2"
	})
}

// The windows decide what a far client can send: at 200 ms a megabyte is 5 MiB/s.
// They and the largest frame are what the memory formula counts.
func TestHTTP2Windows(t *testing.T) {
	cert, trusted := certificate(t)
	addr := serveTLS(t, Config{Engine: &fakeEngine{append: take}, Auth: Anyone(), HTTP2: true,
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}}})
	c, _ := mustDialTLS(t, addr, trusted, "h2")
	// The preface and empty SETTINGS (RFC 9113, section 3.4).
	if _, err := io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		t.Fatal(err)
	}
	settings, window := map[uint16]uint32{}, uint32(65535)
	for len(settings) == 0 || window == 65535 {
		head := make([]byte, 9)
		if _, err := io.ReadFull(c, head); err != nil {
			t.Fatal(err)
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			t.Fatal(err)
		}
		switch head[3] {
		case 4: // SETTINGS
			for ; len(payload) >= 6; payload = payload[6:] {
				settings[binary.BigEndian.Uint16(payload)] = binary.BigEndian.Uint32(payload[2:])
			}
		case 8: // WINDOW_UPDATE
			window += binary.BigEndian.Uint32(payload)
		}
	}
	const streams, initialWindow, maxFrame = 3, 4, 5
	if settings[initialWindow] != http2Window || window != http2Window || settings[maxFrame] != http2Frame || settings[streams] != http2Streams {
		t.Errorf("settings %v, a connection's window of %d bytes", settings, window)
	}
}

// Two hundred clients that offer HTTP/2 send more than anybody reads.
func TestHTTP2Memory(t *testing.T) {
	const clients, each = 200, 300 << 10 // bytes, for both ends of a TLS connection and a request
	const most = http2Connections*(http2Window+http2Frame) + clients*each
	hold, held := make(chan struct{}), atomic.Int64{}
	cert, trusted := certificate(t)
	addr := serveTLS(t, Config{
		Engine: &fakeEngine{append: func(context.Context, upload.Chunk) (upload.Status, error) {
			held.Add(1)
			<-hold
			return upload.Status{}, upload.ErrIdle // the body is not waited for
		}},
		Auth: Anyone(), HTTP2: true, TLS: &tls.Config{Certificates: []tls.Certificate{cert}},
	})
	before := heap()
	var sent [clients]atomic.Int64
	var windows atomic.Int64 // of connections that speak HTTP/2
	for n := range clients {
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trusted}}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			GotConn: func(c httptrace.GotConnInfo) {
				if c.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2" {
					windows.Add(1)
					sent[n].Store(0)
				}
			},
		}), http.MethodPut, "https://"+addr+"/1/chunked_upload", &tap{sent: &sent[n]})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 100 << 20
		go func() {
			for held.Load() < clients { // a handshake may take too long on a busy machine
				if res, err := transport.RoundTrip(r); err == nil {
					_ = res.Body.Close()
				}
			}
			transport.CloseIdleConnections()
		}()
	}
	t.Cleanup(func() { close(hold) })
	full := func() (n int64) {
		for i := range sent {
			if sent[i].Load() >= http2Window {
				n++
			}
		}
		return n
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for held.Load() < clients || full() < windows.Load() { // those of HTTP/1.1 fill the kernel's buffers alone
		<-tick.C
	}
	got := heap() - before
	t.Logf("%d clients hold %d MiB, at most %d", clients, got>>20, most>>20)
	if got > most {
		t.Errorf("%d clients hold %d MiB, want at most %d", clients, got>>20, most>>20)
	}
}

// tap is a body without an end that counts what was taken of it.
type tap struct{ sent *atomic.Int64 }

func (b *tap) Read(p []byte) (int, error) {
	b.sent.Add(int64(len(p)))
	clear(p)
	return len(p), nil
}

func (b *tap) Close() error { return nil }
