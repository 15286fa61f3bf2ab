package s3backend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"sync/atomic"
)

var errAnswered = errors.New("store answered before it had the body")

// gatekeeper keeps net/http from reading a body in vain. When a store refuses
// instead of saying 100 Continue, net/http sends the body all the same unless
// the connection is about to close, and when a store answers in mid-body,
// net/http goes on: a client's bytes would be lost though the call could have
// been repeated.
type gatekeeper struct {
	next http.RoundTripper
	site *site // learns what comes of Expect; may be nil
}

// RoundTrip implements http.RoundTripper.
func (k gatekeeper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return k.next.RoundTrip(r)
	}
	g := &gate{
		ReadCloser: r.Body,
		ctx:        r.Context(),
		invited:    make(chan struct{}),
		over:       make(chan struct{}),
	}
	invite := sync.OnceFunc(func() { close(g.invited) })
	g.unasked = func() {}
	if k.site != nil && r.Header.Get("Expect") != "" {
		g.unasked = sync.OnceFunc(func() { k.site.asked(false) })
		invite = sync.OnceFunc(func() { k.site.asked(true); close(g.invited) })
	}
	finish := sync.OnceFunc(func() { close(g.over) })
	guarded := r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn:              func(c httptrace.GotConnInfo) { follow(r.Context(), c.Conn) },
		GotFirstResponseByte: func() { g.heard.Store(true) },
		Got1xxResponse:       func(int, textproto.MIMEHeader) error { invite(); return nil },
	}))
	guarded.Body = g
	// The SDK leaves them zero, and below 1.1 net/http does not wait for 100
	// Continue, though it sends Expect and speaks 1.1.
	guarded.ProtoMajor, guarded.ProtoMinor = 1, 1
	resp, err := k.next.RoundTrip(guarded)
	g.answered.Store(true)
	if err != nil {
		finish()
		return nil, err
	}
	resp.Body = &answerBody{ReadCloser: resp.Body, finish: finish}
	return resp, nil
}

// gate is a body that is read only as long as the store has not answered.
// After that a Read waits for the answer to be read instead of failing: a
// body that fails takes the connection away from under the answer.
type gate struct {
	io.ReadCloser
	ctx      context.Context
	heard    atomic.Bool   // the first byte of an answer, or of 100 Continue, has come
	answered atomic.Bool   // the answer's head has come
	invited  chan struct{} // closed when 100 Continue has come
	over     chan struct{} // closed when the answer has been read
	unasked  func()        // called when the body is read though nothing has come
}

// Read implements io.Reader.
func (g *gate) Read(p []byte) (int, error) {
	invited := g.invited
	switch {
	case g.answered.Load():
		invited = nil // not any more
	case !g.heard.Load():
		g.unasked()
		return g.ReadCloser.Read(p)
	}
	select {
	case <-invited:
		return g.ReadCloser.Read(p)
	case <-g.over:
	case <-g.ctx.Done():
	}
	return 0, errAnswered
}

// answerBody tells when it has been read.
type answerBody struct {
	io.ReadCloser
	finish func()
}

func (a *answerBody) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil {
		a.finish()
	}
	return n, err
}

func (a *answerBody) Close() error {
	a.finish()
	return a.ReadCloser.Close()
}
