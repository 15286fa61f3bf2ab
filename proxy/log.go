package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"
)

// receive is around every handler: it reads the body for them, answers their
// errors and writes the one line of log.
func (s *Server) receive(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := &request{
			Context: c,
			started: time.Now(),
			id:      requestID(c.Request()),
			body:    newBody(c.Response().Writer, c.Request(), s.cfg.BodyIdle),
		}
		c.Response().Header().Set(requestIDHeader, r.id)
		s.cfg.Observer.Begun(c.Request().ContentLength)
		defer s.finish(r)
		if r.err = s.guard(next, r); r.err != nil {
			s.fail(r)
		}
		return nil
	}
}

// guard calls a handler; its panic is a defect, answered like another error. But
// http.ErrAbortHandler is a handler's word that the connection has to be dropped.
func (s *Server) guard(h echo.HandlerFunc, r *request) (err error) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			r.dropped = true
			panic(p)
		default:
			s.cfg.Observer.Defect()
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(r)
}

// finish also runs when the connection is being dropped.
func (s *Server) finish(r *request) {
	r.body.end(false)
	s.cfg.Observer.Ended(r.observation())
	if s.cfg.Tracing != nil {
		r.annotate()
	}
	s.cfg.Log.LogAttrs(context.Background(), r.level(), "request", r.attrs()...)
}

// level is error only for what is a defect of ours.
func (r *request) level() slog.Level {
	switch status := r.Response().Status; {
	case r.dropped:
		return slog.LevelInfo
	case status == http.StatusServiceUnavailable:
		return slog.LevelWarn
	case status == http.StatusInsufficientStorage: // the owner's quota
		return slog.LevelInfo
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case r.err == nil && !strings.HasPrefix(r.Path(), "/1/"):
		return slog.LevelDebug // a health check
	}
	return slog.LevelInfo
}

// status is what was answered; 0 if nothing was.
func (r *request) status() int {
	if r.dropped {
		return 0
	}
	return r.Response().Status
}

// attrs hold the route instead of the URL, in which clients send tokens.
func (r *request) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("req", r.id),
		slog.String("method", r.Request().Method),
		slog.String("route", r.Path()),
		slog.Int("status", r.status()),
		slog.Int64("bytes", r.body.read.Load()),
		slog.Float64("dur", time.Since(r.started).Seconds()), // JSON would have nanoseconds
	}
	if r.account.Owner != "" {
		attrs = append(attrs, slog.String("owner", r.account.Owner))
	}
	if r.upload != "" {
		attrs = append(attrs, slog.String("upload", r.upload))
	}
	if r.told {
		attrs = append(attrs, slog.Int64("offset", r.offset))
	}
	if id := trace.SpanContextFromContext(r.Request().Context()).TraceID(); id.IsValid() {
		attrs = append(attrs, slog.String("trace", id.String()))
	}
	if r.err != nil {
		attrs = append(attrs, slog.String("err", r.err.Error()))
	}
	return attrs
}
