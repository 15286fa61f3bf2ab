package faulttest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// FrontRedis is a proxy in front of a Redis whose commands obey t; a
// transaction is one command, and so is a pipeline of reads. replica is another
// server, one that lags. It answers the URL to use in the server's place.
func FrontRedis(tb testing.TB, addr, replica string, t *Trigger) string {
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
			go serveRedis(client, addr, replica, t)
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
	spoke   chan struct{} // closed when a muted answer has come, or none can
	end     func()        // closes it
	queued  bool          // inside MULTI
	follows bool          // the command came together with the one before
	kept    bool          // the connection to the server is needed later
	replica string        // address of a server that lags
	lags    bool          // the connection leads there
	former  net.Conn      // where it led before; nil: nowhere else
}

func serveRedis(client net.Conn, addr, replica string, t *Trigger) {
	defer client.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	c := &redisConn{trigger: t, client: client, server: server, spoke: make(chan struct{}), replica: replica}
	c.end = sync.OnceFunc(func() { close(c.spoke) })
	defer func() {
		if !c.kept {
			_ = c.server.Close()
		}
		if c.former != nil {
			_ = c.former.Close()
		}
	}()
	go c.answers(server)
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
func (c *redisConn) answers(server net.Conn) {
	defer c.end() // also when the client left first: nothing more will be said then
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if c.muted.Load() {
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
	if c.counts(name) {
		fault = c.trigger.next("Redis " + name)
		if c.lags && fault != lag {
			return false // it leads to the replica no longer
		}
	}
	if word, ok := redisWords[fault]; ok {
		_, err := io.WriteString(c.client, word)
		return err == nil && name != "EXEC" && fault != "DENIED"
	}
	switch fault {
	case Refuse:
		_, err := io.WriteString(c.client, "-ERR injected\r\n")
		return err == nil && name != "EXEC" // its transaction is still open
	case lag:
		if !c.lagBehind(name) {
			return false
		}
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

// counts says whether a command is a call of its own.
func (c *redisConn) counts(name string) bool {
	switch name {
	case "HELLO", "CLIENT", "AUTH", "PING", "COMMAND": // of the client library
		return false
	case "INFO": // of the watch over Redis's memory, which comes at any moment
		return false
	case "MULTI":
		c.queued = true
		return false
	case "EXEC":
		c.queued = false
		return true
	case "HGET": // so many in a pipeline, which is one call
		return !c.follows
	}
	return !c.queued
}

// lagBehind makes the connection lead to the replica from now on. A transaction
// has its commands at the server already: it fails as it would at a replica.
func (c *redisConn) lagBehind(name string) bool {
	if name == "EXEC" {
		_, _ = io.WriteString(c.client, redisWords["READONLY"])
		return false
	}
	if c.lags {
		return true
	}
	replica, err := net.Dial("tcp", c.replica)
	if err != nil {
		return false
	}
	c.former, c.server, c.lags = c.server, replica, true
	go c.answers(replica)
	return true
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
