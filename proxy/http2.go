package proxy

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// Bounds of HTTP/2. A window is memory: net/http keeps what a client sends
// until a handler reads it. With less than a megabyte a client that is 200 ms
// away could not fill its line; so it is the number of connections that is
// bounded, and whoever comes later gets HTTP/1.1, which leaves bytes in the kernel.
const (
	http2Window      = 1 << 20  // bytes, of a connection and of a stream
	http2Frame       = 16 << 10 // bytes; a buffer of the largest frame is kept a connection
	http2Streams     = 100
	http2Connections = 64
)

// boundHTTP2 turns HTTP/2 on in a server that ends TLS by config.
func boundHTTP2(srv *http.Server, config *tls.Config, l net.Listener) net.Listener {
	srv.Protocols.SetHTTP2(true)
	srv.HTTP2 = &http.HTTP2Config{
		MaxReceiveBufferPerConnection: http2Window,
		MaxReceiveBufferPerStream:     http2Window,
		MaxReadFrameSize:              http2Frame,
		MaxConcurrentStreams:          http2Streams,
	}
	srv.TLSConfig = config.Clone()
	old := onlyHTTP1(config)
	srv.TLSConfig.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		c, ours := hello.Conn.(*http2Conn)
		if ours && slices.Contains(hello.SupportedProtos, "h2") && !c.enter() {
			return old, nil
		}
		return nil, nil
	}
	return http2Listener{Listener: l, open: new(atomic.Int64)}
}

// http2Listener counts the connections that may speak HTTP/2.
type http2Listener struct {
	net.Listener
	open *atomic.Int64
}

// Accept implements net.Listener.
func (l http2Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &http2Conn{Conn: c, open: l.open}, nil
}

type http2Conn struct {
	net.Conn
	open    *atomic.Int64
	counted atomic.Bool
}

// enter takes a place for HTTP/2, if there is one.
func (c *http2Conn) enter() bool {
	if c.open.Add(1) > http2Connections {
		c.open.Add(-1)
		return false
	}
	c.counted.Store(true)
	return true
}

// Close implements net.Conn.
func (c *http2Conn) Close() error {
	if c.counted.Swap(false) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}
