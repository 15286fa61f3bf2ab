package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Bounds of a connection. There is none on a whole request or answer: a chunk
// of 150 MB may take an hour on a slow line, and the copy behind a commit of
// 100 GB takes minutes (PROTOCOL 5.10). BodyIdle bounds a request that stalls.
const (
	headerTimeout  = 20 * time.Second
	maxHeaderBytes = 32 << 10
	keepAlive      = 2 * time.Minute
)

// HTTPServer makes the http.Server that h is to run in. It speaks HTTP/1.1
// only, for whose status line shell clients look (PROTOCOL 5.2).
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           h,
		Protocols:         protocols,
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		IdleTimeout:       keepAlive,
		ConnContext:       rememberConn,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// Serve answers on l, by TLS if it is configured, until ctx ends. Then it is
// not ready, takes no more connections, and lets running requests finish within
// grace; what runs longer is cut, nothing of it counts, and that is the error.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	srv := HTTPServer(s, s.cfg.Log)
	run := srv.Serve
	if s.cfg.TLS != nil && s.cfg.HTTP2 {
		// net/http takes HTTP/2 from connections of crypto/tls alone, so the
		// requests of those that speak HTTP/1.1 are framed as net/http likes it.
		l = boundHTTP2(srv, s.cfg.TLS, l)
		run = func(l net.Listener) error { return srv.ServeTLS(l, "", "") }
	} else {
		l = strictListener{l, onlyHTTP1(s.cfg.TLS), s.cfg.Log, s.cfg.Observer.Defect}
	}
	failed := make(chan error, 1)
	go func() { failed <- run(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.SetNotReady()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(late); err != nil {
		s.Halt()
		return fmt.Errorf("requests still running after %v: %w", grace, errors.Join(err, srv.Close()))
	}
	return nil
}

// onlyHTTP1 is a configuration by which nothing else is agreed upon.
func onlyHTTP1(c *tls.Config) *tls.Config {
	if c == nil {
		return nil
	}
	c = c.Clone()
	c.NextProtos = []string{"http/1.1"}
	return c
}
