package crowdtest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
)

const (
	kib = 1 << 10
	mib = 1 << 20

	idle = 3 * time.Second // the server's bound on a body that stalls
	slow = 4 * time.Second // how long the slow go on: longer than idle

	// patience is for an answer. The last of a thousand clients waits for a buffer
	// until those before it have stalled for idle, and that one by one on a busy machine.
	patience = 2 * time.Minute
)

// dropped is the status of a connection that ends without an answer.
const dropped = 0

// broken is a way to send a chunk. All but fresh leave the upload as it was.
type broken struct {
	name  string
	size  int // bytes of the chunk that it means to send
	send  func(c *client)
	want  []int // statuses, any of them
	fresh bool  // begins an upload of its own, for a chunk that counts
}

// client is a connection that is being broken. What it writes may fail: the
// server lets go when it has seen enough.
type client struct {
	*net.TCPConn
	target string // path and query
	body   []byte
}

// head begins the request; framing says how long its body is.
func (c *client) head(framing string) {
	c.say("PUT " + c.target + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + testserver.Token + "\r\n" + framing + "\r\n\r\n")
}

func (c *client) say(s string)      { _, _ = io.WriteString(c, s) }
func (c *client) length(n int)      { c.head(fmt.Sprintf("Content-Length: %d", n)) }
func (c *client) chunked()          { c.head("Transfer-Encoding: chunked") }
func (c *client) first(n int)       { _, _ = c.Write(c.body[:n]) }
func (c *client) chunk(n int)       { c.say(fmt.Sprintf("%x\r\n%s\r\n", n, c.body[:n])) }
func (c *client) hangUp()           { _ = c.CloseWrite() }
func (c *client) vanish()           { _ = c.SetLinger(0); _ = c.Close() } // a reset
func (c *client) announce(sent int) { c.length(len(c.body)); c.first(sent) }
func (c *client) slowly(n int, d time.Duration) {
	tick := time.NewTicker(125 * time.Millisecond) // 1 KiB/s
	defer tick.Stop()
	for end := time.Now().Add(d); n > 0 && time.Now().Before(end); n -= 128 {
		<-tick.C
		if _, err := c.Write(c.body[:min(n, 128)]); err != nil {
			return
		}
	}
}

var (
	nothing = []int{dropped}
	stalled = []int{http.StatusRequestTimeout}
	refused = []int{http.StatusBadRequest}
	counted = []int{http.StatusOK}
)

// ways are all of them. A large one is streamed to the store while it breaks.
var ways = []broken{
	{name: "cut before the first byte", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(0); c.hangUp() }},
	{name: "cut after the first byte", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(1); c.hangUp() }},
	{name: "cut in the middle", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(32 * kib); c.hangUp() }},
	{name: "cut before the last byte", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(64*kib - 1); c.hangUp() }},
	{name: "cut in the middle of a part", size: 6 * mib, want: nothing, send: func(c *client) { c.announce(3 * mib); c.hangUp() }},
	{name: "cut before the last byte of a part", size: 6 * mib, want: nothing, send: func(c *client) { c.announce(6*mib - 1); c.hangUp() }},
	{name: "reset before the first byte", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(0); c.vanish() }},
	{name: "reset in the middle", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(32 * kib); c.vanish() }},
	{name: "reset before the last byte of a part", size: 6 * mib, want: nothing, send: func(c *client) { c.announce(6*mib - 1); c.vanish() }},
	{name: "cut in the header", want: []int{dropped, http.StatusBadRequest}, send: func(c *client) { c.say("PUT " + c.target + " HTTP/1.1\r\nHos"); c.hangUp() }},

	{name: "stalled at once", size: 64 * kib, want: stalled, send: func(c *client) { c.announce(0) }},
	{name: "stalled in the middle", size: 64 * kib, want: stalled, send: func(c *client) { c.announce(32 * kib) }},
	{name: "stalled in the middle of a part", size: 6 * mib, want: stalled, send: func(c *client) { c.announce(3 * mib) }},
	{name: "stalled between chunks", size: 64 * kib, want: stalled, send: func(c *client) { c.chunked(); c.chunk(32 * kib) }},

	{name: "slow, then cut", size: 64 * kib, want: nothing, send: func(c *client) { c.announce(0); c.slowly(64*kib, slow); c.hangUp() }},
	{name: "slow, then reset", size: 6 * mib, want: nothing, send: func(c *client) { c.announce(0); c.slowly(6*mib, slow); c.vanish() }},

	{name: "more announced than is taken", want: []int{http.StatusRequestEntityTooLarge}, send: func(c *client) { c.length(157_286_401) }},
	{name: "longer than announced", size: 64 * kib, want: counted, fresh: true, send: func(c *client) { c.length(32 * kib); c.first(64 * kib) }},

	{name: "bad size line", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(kib); c.say("xyz\r\n"); c.first(kib) }},
	{name: "no size", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(kib); c.say("\r\n"); c.first(kib) }},
	{name: "negative size", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(kib); c.say("-400\r\n"); c.first(kib) }},
	{name: "size of 2^64", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(kib); c.say("10000000000000000\r\n"); c.first(kib) }},
	{name: "no CRLF behind a chunk", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.say("400\r\n"); c.first(kib); c.say("0\r\n\r\n") }},
	{name: "longer than its size", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.say("400\r\n"); c.first(2 * kib); c.say("\r\n0\r\n\r\n") }},
	{name: "no last chunk", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(32 * kib); c.hangUp() }},
	{name: "half a last chunk", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(32 * kib); c.say("0\r"); c.hangUp() }},
	{name: "no empty line at the end", size: 64 * kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(32 * kib); c.say("0\r\n"); c.hangUp() }},
	{name: "cut in a chunk of a part", size: 6 * mib, want: nothing, send: func(c *client) { c.chunked(); c.say("600000\r\n"); c.first(3 * mib); c.hangUp() }},
	{name: "oversized extension", size: kib, want: nothing, send: func(c *client) { c.chunked(); c.say("400;" + strings.Repeat("x", 8*kib) + "\r\n"); c.first(kib) }},
	{name: "many extensions", size: kib, want: nothing, send: func(c *client) {
		c.chunked()
		for range 64 {
			c.say("1;" + strings.Repeat("x", kib) + "\r\nx\r\n")
		}
		c.hangUp()
	}},
	{name: "oversized trailer", size: kib, want: nothing, send: func(c *client) {
		c.chunked()
		c.chunk(kib)
		c.say("0\r\nX: " + strings.Repeat("x", 8*kib) + "\r\n\r\n")
	}},
	{name: "malformed trailer", size: kib, want: nothing, send: func(c *client) { c.chunked(); c.chunk(kib); c.say("0\r\nno colon\r\n\r\n") }},
	{name: "trailers", size: kib, want: counted, fresh: true, send: func(c *client) { c.chunked(); c.chunk(kib); c.say("0\r\nX: y\r\n\r\n") }},

	{name: "both lengths", size: kib, want: refused, send: func(c *client) {
		c.head("Content-Length: 1024\r\nTransfer-Encoding: chunked")
		c.chunk(kib)
		c.say("0\r\n\r\n")
	}},
}

// run breaks one chunk and says what is wrong with the answer.
func (b broken) run(addr, target string, body []byte) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	began := time.Now()
	if err := conn.SetDeadline(began.Add(patience)); err != nil {
		return err
	}
	b.send(&client{conn.(*net.TCPConn), target, body[:b.size]})
	want := b.want
	if time.Since(began) > idle { // on a busy machine a client may stall between two of its writes
		want = append(slices.Clone(want), stalled...)
	}
	// A thousand clients take their time to send; the answer's begins behind it.
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	got, err := status(conn)
	if err != nil {
		return fmt.Errorf("%s: %w", b.name, err)
	}
	if !slices.Contains(want, got) {
		return fmt.Errorf("%s: answered %d, want any of %v", b.name, got, want)
	}
	return nil
}

// status waits for an answer, or for the connection to end without one.
func status(c net.Conn) (int, error) {
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	var timeout net.Error
	switch {
	case err == nil:
		return answer.StatusCode, answer.Body.Close()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return dropped, nil
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return dropped, errors.New("the server neither answers nor hangs up")
	}
	return dropped, err
}
