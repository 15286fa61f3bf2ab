package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/chunkgate/chunkgate/upload"
)

// Limiter counts requests over all replicas. It is safe for concurrent use.
type Limiter interface {
	// Allow counts a request of an owner that may make rate requests a second,
	// and says how long it has to wait; 0: not at all.
	// Errors: upload.ErrUnavailable.
	Allow(ctx context.Context, owner string, rate int) (wait time.Duration, err error)
}

var (
	errForbidden = errors.New("the account may not do that")
	errTooFast   = errors.New("too many requests a second")
)

// need is what a request does with files.
type need int

const (
	looks  need = iota // neither reads nor writes any
	reads              // tells what is there
	writes             // changes it, or is on the way to
)

// refused says whether an account of this access may not do so.
func (n need) refused(a Access) bool {
	return n == reads && a == WriteOnly || n == writes && a == ReadOnly
}

// authenticated lets a handler have only requests of a known account. The body
// is not looked at: clients label a file's raw bytes as a form (PROTOCOL 1.0).
func (s *Server) authenticated(n need, h func(*request) error) echo.HandlerFunc {
	return s.admitted(n, h, func(*request) (form, error) { return form{}, nil })
}

// authenticatedByForm is authenticated for handlers of requests whose
// parameters, and so what proves the account, may come in a form in the body.
func (s *Server) authenticatedByForm(n need, h func(*request) error) echo.HandlerFunc {
	return s.admitted(n, h, (*request).form)
}

func (s *Server) admitted(n need, h func(*request) error, read func(*request) (form, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.(*request)
		f, malformed := read(r)
		if malformed != nil && !isInvalid(malformed) {
			return malformed
		}
		if err := s.identify(r, f); err != nil {
			return err
		}
		if n.refused(r.account.Access) {
			return errForbidden
		}
		if err := s.pace(r); err != nil {
			return err
		}
		if malformed != nil { // nobody else is told
			return malformed
		}
		return h(r)
	}
}

// identify finds whose request it is. Every refusal leaves at the same time
// after the request was read, whichever step of which kind of proof failed:
// all that is done before it is bounded to end earlier. So the time tells
// nothing, and guessing is slow. Neither is up to the client: one that ends its
// side of the connection, or sends bytes behind the request, looks to net/http
// like one that left, and reads its answer all the same.
func (s *Server) identify(r *request, f form) error {
	until := time.Now().Add(s.cfg.RefuseAfter)
	ctx, cancel := s.outlive(r.Request())
	defer cancel()
	early, stop := context.WithDeadline(ctx, until.Add(-s.cfg.RefuseAfter/4))
	defer stop()
	account, err := s.cfg.Auth.account(early, r.Request(), f)
	if errors.Is(err, errUnauthorized) {
		pause(ctx, time.Until(until), nil)
	}
	if err != nil {
		return err
	}
	r.account = account
	r.limits = account.Limits.or(s.cfg.Owner)
	return nil
}

// pace counts the request against its owner's rate. Without an answer nobody
// knows, and the request is refused like any that needs Redis.
func (s *Server) pace(r *request) error {
	if r.limits.MaxRate == 0 {
		return nil
	}
	if s.cfg.Rates == nil {
		return errors.New("there is a rate and nothing to count it with")
	}
	// Bytes behind a request that tell of no body look to net/http like a client
	// that left. It counts all the same, and the limiter's calls are bounded.
	wait, err := s.cfg.Rates.Allow(context.WithoutCancel(r.Request().Context()), r.account.Owner, int(r.limits.MaxRate))
	if err != nil {
		return fmt.Errorf("count request: %w", err)
	}
	if wait > 0 {
		r.patience = wait
		return errTooFast
	}
	return nil
}

// bounded lets a handler have only as many bodies at once as there may be. One
// whose length is not told counts as the largest chunk.
func (s *Server) bounded(h func(*request) error) func(*request) error {
	return func(r *request) error {
		if unframed(r.Request()) {
			return errUnframed
		}
		size := r.Request().ContentLength
		if size < 0 {
			size = s.cfg.MaxChunk
		}
		if err := s.inFlight.enter(r.account.Owner, size, r.limits.MaxInFlight); err != nil {
			return err
		}
		defer s.inFlight.leave(r.account.Owner, size)
		return h(r)
	}
}

// unframed says whether a request by HTTP/1 does not tell where its body ends.
// Such a request has none (RFC 9112, section 6.3), but a client that sends a
// file this way has one: what follows would be lost, and a file that is there
// replaced by nothing. HTTP/2 marks the end of each body.
func unframed(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ContentLength == 0 && r.Header["Content-Length"] == nil
}

func isInvalid(err error) bool {
	var reason *upload.InvalidError
	return errors.As(err, &reason)
}
