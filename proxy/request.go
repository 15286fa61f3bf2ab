package proxy

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// request is one request on its way through the handlers.
type request struct {
	echo.Context
	started time.Time

	// body is to be read instead of Request().Body. It does not replace that,
	// for net/http looks at its type to tell whether the client still waits
	// for 100 Continue.
	body   *body
	parsed *form // what is in it, once read as a form

	id       string // of the request, for the log and the client
	account  Account
	limits   Limits        // of the account, 0: none
	patience time.Duration // how long the client has to wait before it tries again; 0: RetryAfter
	upload   string        // id of the upload it is about, once known
	chunk    bool          // it is a chunk
	told     bool          // the client was told offset
	offset   int64         // bytes; where the upload stands
	sent     int64         // bytes of the answer that went past Echo
	path     string        // of the file or folder it is about, once known
	err      error         // why it failed
	dropped  bool          // the connection was dropped without an answer
}

// stands notes which upload it is, and the offset that the client is told.
func (r *request) stands(id string, offset int64) {
	r.upload, r.told, r.offset = id, true, offset
}

// reply sends an answer. That the client does not take it is nobody's error.
func (r *request) reply(status int, o object) {
	r.head(status)
	_, _ = r.Response().Write(o.bytes())
}

// head begins an answer in JSON.
func (r *request) head(status int) {
	h := r.Response().Header()
	// v1's own, and one of the two types that dropbox-js parses (PROTOCOL 1.0).
	h.Set("Content-Type", "text/javascript")
	h.Set("Cache-Control", "no-store")
	r.Response().WriteHeader(status)
}

// outlive makes a context that goes on when the client is gone and ends with Halt.
func (s *Server) outlive(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	stop := context.AfterFunc(s.hard, func() { cancel(errHalted) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
