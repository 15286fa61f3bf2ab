package proxy

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"syscall"

	"github.com/chunkgate/chunkgate/upload"
)

// strictListener hands out connections that bring only requests whose framing
// is clear. With a TLS configuration they end TLS.
type strictListener struct {
	net.Listener
	tls    *tls.Config // nil: no TLS
	log    *slog.Logger
	defect func() // told of a panic that was caught; nil: nobody
}

// Accept implements net.Listener.
func (l strictListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls == nil {
		return &strictConn{
			Conn: c, log: l.log, defect: l.defect, raw: spliceable(c), patience: patience{raw: waitable(c)},
		}, nil
	}
	secure := tls.Server(c, l.tls)
	return &strictConn{Conn: secure, handshake: secure.Handshake, log: l.log, defect: l.defect}, nil
}

// strictConn is a connection to net/http, which answers an error of reading
// with 400 where it awaits a request, and gives it to the reader of a body.
type strictConn struct {
	net.Conn
	log       *slog.Logger
	defect    func()
	handshake func() error // still to be done, under the deadline of the first header; or nil
	framing   framing
	refused   error // nothing is read any more
	unclear   error // likewise, since it is not clear where a request begins or ends

	raw      syscall.RawConn // what may be spliced from; nil: nothing
	patience patience

	last int         // bytes that the last Read brought
	into upload.Pipe // where the next Read is to put what it brings; nil: into its buffer
}

// Read implements net.Conn. There is one Read at a time, as net/http does it.
// It may be in a goroutine of net/http's where a panic would end the process.
func (c *strictConn) Read(p []byte) (n int, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			n, err = 0, c.refuse("panic", fmt.Errorf("%v\n%s", cause, debug.Stack()))
			if c.defect != nil {
				c.defect()
			}
		}
	}()
	return c.read(p)
}

func (c *strictConn) read(p []byte) (int, error) {
	if c.refused != nil {
		return 0, c.refused
	}
	if shake := c.handshake; shake != nil {
		c.handshake = nil
		if err := shake(); err != nil {
			return 0, c.refuse("TLS handshake failed", err)
		}
	}
	left := c.framing.left
	if pipe := c.into; pipe != nil {
		c.into = nil
		c.patience.lose(left)
		n, err := c.splice(pipe, len(p))
		c.patience.came(n, n < len(p))
		return n, err
	}
	n, err := 0, c.patience.prepare(left)
	if err == nil {
		n, err = c.Conn.Read(p)
	}
	if err != nil && n == 0 {
		n, err = c.patience.late(p, err)
	}
	if left > 0 {
		c.patience.came(n, n < len(p))
	}
	c.last = n
	n, unclear := c.framing.accept(p[:n])
	if unclear != nil {
		c.unclear = unclear
		err = c.refuse("connection refused", unclear)
	}
	return n, err
}

func (c *strictConn) refuse(msg string, err error) error {
	c.refused = err
	c.log.Warn(msg, "remote", c.RemoteAddr().String(), "err", err)
	return err
}

// CloseWrite lets net/http end an answer whose request was not read to its end
// in a way that the client gets to read it.
func (c *strictConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	return half.CloseWrite()
}

// plainSocket is the socket of a TCP connection without TLS; nil: it is none.
func plainSocket(c net.Conn) syscall.RawConn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
