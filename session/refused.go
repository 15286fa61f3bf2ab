package session

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// dial opens a connection without TLS. Redis may refuse it in words and close it
// at once, in protected mode or with too many clients: what we write then fails
// before anybody reads these words, and "broken pipe" helps no operator.
func dial(timeout time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			return &talking{TCPConn: tcp}, err
		}
		return conn, err
	}
}

// talking is a connection whose failed writes tell what the server said before.
// The client takes a refusal for the answer to its greeting and goes on. It stays
// a syscall.Conn, by which the client looks whether an idle one still lives; as
// the client does, it is used by one goroutine at a time.
type talking struct {
	*net.TCPConn
	said string // the error that was read last, "" if something else was
}

// refusalTime bounds the wait for words that have come already.
const refusalTime = 100 * time.Millisecond

// Read implements net.Conn.
func (c *talking) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	if n > 0 {
		c.said = ""
		if p[0] == '-' { // an error, in Redis's protocol
			c.said, _, _ = strings.Cut(string(p[1:min(n, 512)]), "\r\n")
		}
	}
	return n, err
}

// Write implements net.Conn.
func (c *talking) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	if err == nil {
		return n, nil
	}
	if c.said == "" && c.SetReadDeadline(time.Now().Add(refusalTime)) == nil {
		_, _ = c.Read(make([]byte, 512)) // only the words count
	}
	var op *net.OpError
	if c.said == "" || !errors.As(err, &op) {
		return n, err
	}
	told := *op // the client passes on only the cause
	told.Err = fmt.Errorf("%w: it said: %s", op.Err, c.said)
	return n, &told
}
