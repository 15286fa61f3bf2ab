// Package load sends uploads and costs little itself: HTTP/1.1 by hand, bodies
// that are slices of one buffer, no hashing while the clock runs.
package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Patience is how long a request may take before the benchmark gives up.
const Patience = 5 * time.Minute

// frame is how much a client without a Content-Length sends at a time, in
// bytes.
const frame = 64 << 10

// Conn is one client's connection to an HTTP server. It is for one goroutine.
type Conn struct {
	host string
	conn net.Conn
	in   *bufio.Reader
	head bytes.Buffer
}

// Dial connects to host:port.
func Dial(host string) (*Conn, error) {
	c, err := net.Dial("tcp", host)
	if err != nil {
		return nil, err
	}
	return &Conn{host: host, conn: c, in: bufio.NewReaderSize(c, 4<<10)}, nil
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.conn.Close() }

// Answer is a response with its body, which is short.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// RefusedError is an answer that is not 2xx.
type RefusedError struct {
	Status int
	Why    string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Why)
}

// Do sends one request and reads its answer, which must be 2xx. Without a known
// length the body goes in frames (chunked transfer coding).
func (c *Conn) Do(method, target string, header http.Header, body []byte, known bool) (Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		return Answer{}, err
	}
	c.writeHead(method, target, header, len(body), known)
	buffers := net.Buffers{c.head.Bytes()}
	if known {
		buffers = append(buffers, body)
	} else {
		buffers = appendFrames(buffers, body)
	}
	_, sent := buffers.WriteTo(c.conn)
	// A server that refuses in the middle of the body has said why.
	answer, err := c.receive(method)
	return answer, errors.Join(err, sent)
}

func (c *Conn) writeHead(method, target string, header http.Header, length int, known bool) {
	c.head.Reset()
	fmt.Fprintf(&c.head, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, c.host)
	_ = header.Write(&c.head) // to memory
	if known {
		fmt.Fprintf(&c.head, "Content-Length: %d\r\n\r\n", length)
	} else {
		c.head.WriteString("Transfer-Encoding: chunked\r\n\r\n")
	}
}

var (
	crlf = []byte("\r\n")
	last = []byte("0\r\n\r\n")
)

// appendFrames frames a body without copying it.
func appendFrames(to net.Buffers, body []byte) net.Buffers {
	for len(body) > 0 {
		n := min(len(body), frame)
		to = append(to, []byte(strconv.FormatInt(int64(n), 16)+"\r\n"), body[:n], crlf)
		body = body[n:]
	}
	return append(to, last)
}

// receive reads an answer; one that is not 2xx is an error.
func (c *Conn) receive(method string) (Answer, error) {
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: read answer: %w", method, c.host, err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: read answer: %w", method, c.host, err)
	}
	if r.StatusCode/100 != 2 {
		return Answer{}, &RefusedError{Status: r.StatusCode, Why: string(body)}
	}
	return Answer{Status: r.StatusCode, Header: r.Header, Body: body}, nil
}
