package proxy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chunkgate/chunkgate/upload"
)

var (
	errUnauthorized = errors.New("not authorized")
	errHalted       = errors.New("server is stopping")
	errUnframed     = errors.New("body without a length and without chunked coding")
	errNoLength     = errors.New("body of unknown length")
	errTooMany      = errors.New("more files than the client can take")
	errTaken        = errors.New("something is there already")
	errRoot         = errors.New("the root folder cannot be deleted")
)

const (
	noUpload      = "No upload with upload_id found."
	alreadyDone   = "Upload with upload_id %s already completed"               // UpdraftPlus matches it and is content
	outOfPlace    = "Submitted input out of alignment: got [%d] expected [%d]" // clients parse the numbers
	needsEnd      = "The end of the body is not told: send Content-Length or Transfer-Encoding: chunked"
	needsLength   = "Missing Content-Length header (this endpoint doesn't support HTTP chunked transfer encoding)"
	noPath        = "Path '%s' not found"
	internalError = "Internal error"
)

// meaning is what an error tells a client.
type meaning struct {
	status int
	text   string
	named  bool // the %s in text is the upload's id
	placed bool // the %s in text is the path
	retry  bool // worth repeating: Retry-After goes with it
	gone   bool // the client sends no more, or its end is not known: the rest of the body is not waited for
	silent bool // no answer at all: the connection is dropped
}

// meanings is the table of all errors; the first that fits counts. The client's
// own failures come before those of the stores that they entail. Whatever is
// not here is a defect.
var meanings = []struct {
	err error
	meaning
}{
	// A 400 would make Python's SDK skip the block (PROTOCOL 2.2).
	{upload.ErrShortBody, meaning{silent: true}},
	{upload.ErrIdle, meaning{status: http.StatusRequestTimeout, text: "The body stalled", gone: true}},

	{errUnauthorized, meaning{status: http.StatusUnauthorized, text: "Access token is missing, malformed or unknown"}},
	{errForbidden, meaning{status: http.StatusForbidden, text: "The access token does not allow this"}},
	{errTooFast, meaning{status: http.StatusTooManyRequests, text: "Too many requests", retry: true}},
	{errGreedy, meaning{status: http.StatusTooManyRequests, text: "Too many chunks or files at once", retry: true}},
	{errHeavy, meaning{status: http.StatusTooManyRequests, text: "Too many bytes at once", retry: true}},
	{errFull, meaning{status: http.StatusServiceUnavailable, text: "The server is busy", retry: true}},
	{upload.ErrQuota, meaning{status: http.StatusInsufficientStorage, text: "Too many uploads are open: commit some, or give them up"}},
	{echo.ErrNotFound, meaning{status: http.StatusNotFound, text: "No such endpoint"}},
	{echo.ErrMethodNotAllowed, meaning{status: http.StatusMethodNotAllowed, text: "Method not allowed"}},

	{upload.ErrNotFound, meaning{status: http.StatusNotFound, text: noUpload}},
	{upload.ErrNotExist, meaning{status: http.StatusNotFound, text: noPath, placed: true}},
	{errRange, meaning{status: http.StatusRequestedRangeNotSatisfiable, text: "The range begins behind the end of the file"}},
	{errTooMany, meaning{status: http.StatusNotAcceptable, text: "Too many file entries to return."}},
	{errTaken, meaning{status: http.StatusForbidden, text: "There is already a file or folder at the path"}},
	{errRoot, meaning{status: http.StatusForbidden, text: "The root folder cannot be deleted"}},
	{upload.ErrCompleted, meaning{status: http.StatusBadRequest, text: alreadyDone, named: true}},
	{upload.ErrConflict, meaning{status: http.StatusConflict, text: "There is a file or a folder in the way"}},
	{errUnframed, meaning{status: http.StatusLengthRequired, text: needsEnd, gone: true}},
	{errNoLength, meaning{status: http.StatusLengthRequired, text: needsLength}},
	{upload.ErrTooLarge, meaning{status: http.StatusRequestEntityTooLarge, text: "Chunk or file is too large"}},

	{upload.ErrBusy, meaning{status: http.StatusServiceUnavailable, text: "The upload is being committed", retry: true}},
	{upload.ErrUnavailable, meaning{status: http.StatusServiceUnavailable, text: "Storage is not available now", retry: true}},
	{errHalted, meaning{status: http.StatusServiceUnavailable, text: "The server is stopping", retry: true}},
	{errNotReady, meaning{status: http.StatusServiceUnavailable, text: "Not ready", retry: true}},
	// Of a wait that ended with its client, or by Halt.
	{context.Canceled, meaning{status: http.StatusServiceUnavailable, text: "The request was given up", retry: true}},
	{context.DeadlineExceeded, meaning{status: http.StatusServiceUnavailable, text: "The request took too long", retry: true}},
}

func meaningOf(err error) meaning {
	var reason *upload.InvalidError
	if errors.As(err, &reason) {
		return meaning{status: http.StatusBadRequest, text: reason.Reason}
	}
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			return m.meaning
		}
	}
	return meaning{status: http.StatusInternalServerError, text: internalError}
}

// fail answers a request that failed; why in full is for the log alone.
func (s *Server) fail(r *request) {
	var offset *upload.OffsetError
	if errors.As(r.err, &offset) {
		s.misplaced(r, offset)
		return
	}
	m := meaningOf(r.err)
	if m.silent || r.Response().Committed { // what has begun can only break off
		r.dropped = true
		panic(http.ErrAbortHandler)
	}
	if m.named {
		m.text = fmt.Sprintf(m.text, r.upload)
	}
	if m.placed {
		m.text = fmt.Sprintf(m.text, r.path)
	}
	h := r.Response().Header()
	if m.retry {
		h.Set("Retry-After", wholeSeconds(max(r.patience, s.cfg.RetryAfter)))
	}
	if m.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer") // RFC 9110, 15.5.2 demands one
	}
	// A connection whose body is not at its end is not used again.
	if m.gone || !s.drain(r.Request(), r.body) {
		h.Set("Connection", "close")
	}
	var o object
	o.text("error", m.text)
	r.reply(m.status, o)
}

// misplaced answers a chunk that does not begin where its upload ends: the one
// error that tells an offset, and clients act on it (PROTOCOL 2.1).
func (s *Server) misplaced(r *request, e *upload.OffsetError) {
	r.stands(e.ID, e.Want)
	if !s.drain(r.Request(), r.body) {
		r.Response().Header().Set("Connection", "close")
	}
	o := position(e.Expires, e.ID, e.Want)
	o.text("error", fmt.Sprintf(outOfPlace, e.Got, e.Want))
	r.reply(http.StatusBadRequest, o)
}

func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
