package faulttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// FrontRedis is a proxy in front of a Redis whose commands obey t; a
// transaction is one command, and so is a pipeline of reads. It answers the URL to use in the server's place.
func FrontRedis(tb testing.TB, addr string, t *Trigger) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go serveRedis(client, addr, t)
		}
	}()
	return "redis://" + l.Addr().String()
}

// redisConn is one connection through the proxy.
type redisConn struct {
	trigger *Trigger
	client  net.Conn
	server  net.Conn
	muted   atomic.Bool   // the next answer does not reach the client
	spoke   chan struct{} // closed when a muted answer has come
	queued  bool          // inside MULTI
	follows bool          // the command came together with the one before
	kept    bool          // the connection to the server is needed later
}

func serveRedis(client net.Conn, addr string, t *Trigger) {
	defer client.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	c := &redisConn{trigger: t, client: client, server: server, spoke: make(chan struct{})}
	defer func() {
		if !c.kept {
			_ = server.Close()
		}
	}()
	go c.answers()
	in := bufio.NewReaderSize(client, 64<<10)
	for {
		c.follows = in.Buffered() > 0
		name, raw, err := readCommand(in)
		if err != nil || !c.command(name, raw) {
			return
		}
	}
}

// answers copies what the server says, until the first byte of an answer that
// is to be lost.
func (c *redisConn) answers() {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.server.Read(buf)
		if c.muted.Load() {
			close(c.spoke)
			return
		}
		if err != nil {
			_ = c.client.Close()
			return
		}
		if _, err := c.client.Write(buf[:n]); err != nil {
			return
		}
	}
}

// command passes a command on, or does what the trigger says, and says whether
// the connection lives on.
func (c *redisConn) command(name string, raw []byte) bool {
	fault := None
	switch name {
	case "HELLO", "CLIENT", "AUTH", "PING", "COMMAND": // of the client library
	case "MULTI":
		c.queued = true
	case "EXEC":
		c.queued = false
		fault = c.trigger.next("Redis " + name)
	case "HGET": // so many in a pipeline, which is one call
		if !c.follows {
			fault = c.trigger.next("Redis " + name)
		}
	default:
		if !c.queued {
			fault = c.trigger.next("Redis " + name)
		}
	}
	switch fault {
	case Refuse:
		_, err := io.WriteString(c.client, "-ERR injected\r\n")
		return err == nil && name != "EXEC" // its transaction is still open
	case Delay:
		time.Sleep(delay)
	case Late:
		c.kept = true
		c.muted.Store(true)
		c.trigger.hold(func() {
			defer c.server.Close()
			if _, err := c.server.Write(raw); err == nil {
				<-c.spoke
			}
		})
		return false
	case Hang:
		_, _ = io.Copy(io.Discard, c.client) // until the client gives up
		return false
	case KillBefore:
		c.trigger.killNow()
		return false
	case LoseAnswer, KillAfter:
		c.muted.Store(true)
		if _, err := c.server.Write(raw); err == nil {
			<-c.spoke
		}
		if fault == KillAfter {
			c.trigger.killNow()
		}
		return false
	}
	_, err := c.server.Write(raw)
	return err == nil
}

// readCommand reads one command, an array of bulk strings, as it stands.
func readCommand(in *bufio.Reader) (name string, raw []byte, err error) {
	n, raw, err := readHeader(in, '*', nil)
	if err != nil {
		return "", nil, err
	}
	for i := range n {
		size, with, err := readHeader(in, '$', raw)
		if err != nil {
			return "", nil, err
		}
		begin := len(with)
		raw = append(with, make([]byte, size+2)...)
		if _, err := io.ReadFull(in, raw[begin:]); err != nil {
			return "", nil, err
		}
		if i == 0 {
			name = strings.ToUpper(string(raw[begin : begin+size]))
		}
	}
	return name, raw, nil
}

// readHeader reads a line of a kind and a number, and appends it to raw.
func readHeader(in *bufio.Reader, kind byte, raw []byte) (int, []byte, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 4 || line[0] != kind {
		return 0, nil, fmt.Errorf("unexpected %q", line)
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	return n, append(raw, line...), err
}
