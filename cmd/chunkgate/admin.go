package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/chunkgate/chunkgate/metrics"
	"github.com/chunkgate/chunkgate/proxy"
)

// admin is the listener for operators. It authenticates nobody, so it is never
// the one that clients reach.
type admin struct{ server *http.Server }

// startAdmin listens, if an address is set. server answers the health checks.
func (s *settings) startAdmin(server *proxy.Server, m *metrics.Metrics, log *slog.Logger) (*admin, error) {
	if s.AdminListen == "" {
		return &admin{}, nil
	}
	listener, err := net.Listen("tcp", s.AdminListen)
	if err != nil {
		return nil, &settingError{"CHUNKGATE_ADMIN_LISTEN", "cannot be listened on: " + err.Error()}
	}
	a := &admin{server: proxy.HTTPServer(adminRoutes(server, m, log), log)}
	log.Info("admin", "listen", listener.Addr().String())
	if bound, ok := listener.Addr().(*net.TCPAddr); ok && bound.IP.IsUnspecified() {
		log.Warn("admin listens on every interface without authentication: let only your monitoring reach it")
	}
	go func() { _ = a.server.Serve(listener) }() // until close
	return a, nil
}

func adminRoutes(server *proxy.Server, m *metrics.Metrics, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler(log))
	mux.Handle("GET /healthz", server)
	mux.Handle("GET /readyz", server)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// close cuts off who is still reading: at the end there is nothing more to tell.
func (a *admin) close() {
	if a.server != nil {
		_ = a.server.Close()
	}
}
