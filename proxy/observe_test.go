package proxy

import (
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chunkgate/chunkgate/uploadtest"
)

// notebook is an Observer that writes down.
type notebook struct {
	mu     sync.Mutex
	routes []Route
	begun  []int64
	ended  []Observation
	defect int
}

func (n *notebook) Defect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.defect++
}

func (n *notebook) defects() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.defect
}

func (n *notebook) Routes(r []Route) { n.routes = r }

func (n *notebook) Begun(length int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begun = append(n.begun, length)
}

func (n *notebook) Ended(o Observation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, o)
}

func (n *notebook) len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.ended)
}

// What is told of each kind of request.
func TestObserver(t *testing.T) {
	told := &notebook{}
	s := start(t, &fakeEngine{append: take}, func(c *Config) { c.Observer = told })
	if want := (Route{Method: "PUT", Path: "/1/chunked_upload"}); !slices.Contains(told.routes, want) {
		t.Errorf("routes are %v, without %v", told.routes, want)
	}
	requests := []struct {
		name string
		send func()
		want Observation
	}{
		{"chunk", func() { s.call(t, "PUT", "/1/chunked_upload", "Content-Length: 5\r\n", "hello") },
			Observation{Method: "PUT", Route: "/1/chunked_upload", Status: 200, Chunk: true, Length: 5, Received: 5, Sent: 98, Asked: true}},
		{"chunk of unknown length", func() {
			s.call(t, "POST", "/1/chunked_upload", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")
		}, Observation{Method: "POST", Route: "/1/chunked_upload", Status: 200, Chunk: true, Length: -1, Received: 3, Sent: 98, Asked: true}},
		{"stranger", func() { s.send(t, "GET /1/chunked_upload HTTP/1.1\r\nHost: x\r\n\r\n") },
			Observation{Method: "GET", Route: "/1/chunked_upload", Status: 401, Sent: 58}},
		{"no route", func() { s.call(t, "BREW", "/coffee?access_token=hunter2", "", "") },
			Observation{Method: "BREW", Status: 404, Sent: 29}},
		{"no method", func() { s.call(t, "PATCH", "/1/chunked_upload", "", "") },
			Observation{Method: "PATCH", Route: "/1/chunked_upload", Status: 405, Sent: 31}},
		{"client goes", func() {
			c := s.dial(t)
			_, _ = io.WriteString(c, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n"+bearer+"Content-Length: 9\r\n\r\nhel")
			_ = c.Close()
		}, Observation{Method: "PUT", Route: "/1/chunked_upload", Chunk: true, Length: 9, Received: 3, Asked: true}},
	}
	for n, request := range requests {
		request.send()
		await(t, request.name, func() bool { return told.len() == n+1 })
		got := told.ended[n]
		if diff := cmp.Diff(request.want, got, cmpopts.IgnoreFields(Observation{}, "Took", "FirstByte")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", request.name, diff)
		}
		if got.Took <= 0 || got.Took > time.Minute || got.Asked && (got.FirstByte <= 0 || got.FirstByte > got.Took) {
			t.Errorf("%s took %v, %v to its first byte", request.name, got.Took, got.FirstByte)
		}
		if told.begun[n] != got.Length {
			t.Errorf("%s: began with %d bytes, ended with %d", request.name, told.begun[n], got.Length)
		}
	}
}

// What goes out past Echo counts, too.
func TestObserverOfDownload(t *testing.T) {
	told, files := &notebook{}, uploadtest.NewObjects()
	mustPut(t, files, "uploads/ada/f", "0123456789")
	s := start(t, &fakeEngine{}, func(c *Config) { c.Observer, c.Files = told, files })
	s.call(t, "GET", "/1/files/auto/f", "", "")
	await(t, "the end", func() bool { return told.len() == 1 })
	if got := told.ended[0]; got.Sent != 10 || got.Route != "/1/files/*" {
		t.Errorf("got %+v, want 10 bytes of /1/files/*", got)
	}
}
