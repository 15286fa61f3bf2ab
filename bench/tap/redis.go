package tap

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync/atomic"
)

// Redis is a relay in front of a Redis that counts.
type Redis struct {
	URL      string
	trips    atomic.Int64
	commands atomic.Int64
}

// NewRedis relays to the server at addr until stop is called.
func NewRedis(addr string) (r *Redis, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	r = &Redis{URL: "redis://" + l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go r.relay(client, addr)
		}
	}()
	return r, func() { _ = l.Close() }, nil
}

// Trips is how often a client turned to the server that owed it no answer. What
// is sent without waiting for answers in between, a pipeline, is one trip, and
// so is a transaction.
func (r *Redis) Trips() int64 { return r.trips.Load() }

// Commands is how many commands were sent, those that open a connection not
// counted.
func (r *Redis) Commands() int64 { return r.commands.Load() }

func (r *Redis) relay(client net.Conn, addr string) {
	defer client.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	var owed atomic.Int64 // answers that the server owes
	go func() {
		defer client.Close()
		_ = pump(client, server, func(kind byte, _ string, _ bool) {
			if kind != '>' { // a message that nobody asked for
				owed.Add(-1)
			}
		})
	}()
	var inside bool // a transaction
	_ = pump(server, client, func(_ byte, name string, early bool) {
		idle := owed.Add(1) == 1 && !early
		name = strings.ToUpper(name)
		switch name {
		case "HELLO", "CLIENT", "AUTH", "SELECT", "PING":
			return
		}
		r.commands.Add(1)
		if idle && !inside {
			r.trips.Add(1)
		}
		switch name {
		case "MULTI":
			inside = true
		case "EXEC", "DISCARD":
			inside = false
		}
	})
}

// pump copies values until one side is gone, and tells see of each before its
// last bytes are passed on. An early one had begun to arrive before the one
// ahead of it was passed on: its sender cannot have waited for that one's answer.
func pump(to io.Writer, from io.Reader, see func(kind byte, first string, early bool)) error {
	in, out := bufio.NewReaderSize(from, 64<<10), bufio.NewWriterSize(to, 64<<10)
	for {
		early := in.Buffered() > 0
		kind, first, err := copyValue(out, in)
		if err != nil {
			return err
		}
		see(kind, first, early)
		if err := out.Flush(); err != nil {
			return err
		}
	}
}
