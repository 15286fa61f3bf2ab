package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

var errNotReady = errors.New("not ready")

// alive handles GET /healthz: the process answers, whatever its stores do.
func (s *Server) alive(c echo.Context) error {
	c.(*request).reply(http.StatusOK, healthy())
	return nil
}

// ready handles GET /readyz: both stores answer and the server is not stopping.
func (s *Server) ready(c echo.Context) error {
	if s.leaving.Load() {
		return fmt.Errorf("%w: %w", errNotReady, errHalted)
	}
	if err := s.stores.check(s.cfg.Engine.Ready, s.cfg.ReadyTimeout); err != nil {
		return fmt.Errorf("%w: %w", errNotReady, err)
	}
	o := healthy()
	if s.cfg.Remark != nil {
		if remark := s.cfg.Remark(); remark != "" {
			o.text("remark", remark)
		}
	}
	c.(*request).reply(http.StatusOK, o)
	return nil
}

func healthy() object {
	var o object
	o.text("status", "ok")
	return o
}

// readinessAge is how long an answer of the stores holds. Anyone may ask for
// /readyz, and the asking must not become load on the stores.
const readinessAge = time.Second

// readiness remembers whether the stores answered.
type readiness struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// check asks at most once a readinessAge, for at most limit.
func (r *readiness) check(ask func(context.Context) error, limit time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) < readinessAge {
		return r.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	r.err = ask(ctx)
	r.at = time.Now()
	return r.err
}
