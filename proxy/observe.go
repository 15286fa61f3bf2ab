package proxy

import (
	"slices"
	"strings"
	"time"
)

// Observer is told of every request. Its methods are called by many goroutines
// at once, except Routes, and must return at once.
type Observer interface {
	Routes(routes []Route) // what there is, once and before all else
	Begun(length int64)    // a request's head was read, which announced a body of so many bytes; -1: unknown
	Ended(o Observation)   // for each Begun, after the answer
	Defect()               // a panic was caught
}

// Route is a method and a pattern of paths, such as /1/files/*.
type Route struct {
	Method string
	Path   string
}

// Observation is a request that has been answered.
type Observation struct {
	Method string // as the client wrote it
	Route  string // a Route's Path; "" if there is none
	Status int    // 0: the connection was dropped without an answer, or in the middle of one
	Chunk  bool   // it was a chunk of an upload

	Length   int64 // bytes announced, as told by Begun
	Received int64 // bytes of the body that were read
	Sent     int64 // bytes of the answer's body

	Took      time.Duration // since the head was read
	Asked     bool          // the body was asked for
	FirstByte time.Duration // until then
}

// silent observes nothing.
type silent struct{}

func (silent) Routes([]Route)    {}
func (silent) Begun(int64)       {}
func (silent) Ended(Observation) {}
func (silent) Defect()           {}

// observe tells what routes there are.
func (s *Server) observe() {
	var routes []Route
	for _, r := range s.routes.Routes() {
		routes = append(routes, Route{Method: r.Method, Path: r.Path})
	}
	slices.SortFunc(routes, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	s.cfg.Observer.Routes(routes)
}

// observation sums up the request at its end.
func (r *request) observation() Observation {
	o := Observation{
		Method: r.Request().Method, Route: r.Path(), Status: r.status(), Chunk: r.chunk,
		Length: r.Request().ContentLength, Received: r.body.read.Load(), Sent: r.Response().Size + r.sent,
		Took: time.Since(r.started),
	}
	if at := r.body.firstAsked(); !at.IsZero() {
		o.Asked, o.FirstByte = true, at.Sub(r.started)
	}
	return o
}
