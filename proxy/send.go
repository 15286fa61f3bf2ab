package proxy

import (
	"io"
	"net/http"
	"time"
)

// send passes src on as the answer's body, as fast as the client takes it and
// with a few kilobytes of memory. A client that takes nothing for as long as a
// body may stall is given up.
func (r *request) send(src io.Reader) error {
	n, err := io.Copy(r.patiently(), src)
	r.sent += n
	return err
}

// patiently is where an answer's body is written to whose client may be slow.
func (r *request) patiently() *patient {
	return &patient{
		Writer:     r.Response().Writer,
		connection: http.NewResponseController(r.Response().Writer),
		idle:       r.body.idle,
	}
}

// patient writes under a rolling deadline. The last one bounds what net/http
// still holds back, which then lifts it.
type patient struct {
	io.Writer
	connection *http.ResponseController
	idle       time.Duration
	armed      time.Time // when the deadline was last set
}

func (w *patient) Write(p []byte) (int, error) {
	// As in body.arm: one Write in many sets a timer.
	if now := time.Now(); now.Sub(w.armed) >= w.idle/8 {
		w.armed = now
		// A recorder in a test has no deadlines; net/http's connections all do.
		_ = w.connection.SetWriteDeadline(now.Add(w.idle + w.idle/8))
	}
	return w.Writer.Write(p)
}
