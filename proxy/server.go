package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"

	"github.com/chunkgate/chunkgate/upload"
)

// engine is what the handlers use of *upload.Engine; tests put a fake in its place.
type engine interface {
	Append(ctx context.Context, c upload.Chunk) (upload.Status, error)
	Status(ctx context.Context, owner, id string) (upload.Status, error)
	Discard(ctx context.Context, owner, id string) error
	Commit(ctx context.Context, r upload.CommitRequest) (upload.Object, error)
	Put(ctx context.Context, r upload.PutRequest) (upload.Object, error)
	Ready(ctx context.Context) error
}

// Config is what a Server is made of.
type Config struct {
	Engine engine         // an *upload.Engine
	Files  upload.Files   // what clients read back; with Engine's objects
	Auth   *Authenticator // who may come in; nil lets nobody in

	Owner       Limits        // of every owner whose account says nothing else
	Rates       Limiter       // counts requests; needed where there is a MaxRate
	MaxInFlight int           // chunks and whole files that are being received at once, of all owners; 0: any number
	OwnerShare  int           // percent of MaxInFlight that one owner may have when no other wants any, up to 100; 0: 75
	RefuseAfter time.Duration // every refusal of who asks leaves after it; 0: 250 ms

	TLS     *tls.Config // how Serve ends TLS; nil: not at all
	HTTP2   bool        // over TLS; shell clients then fail, who look for HTTP/1.1's status line (PROTOCOL 5.2)
	Origins []string    // of pages whose scripts may read answers, as browsers write them, or "*"

	KeyPrefix     string // before every key; empty or ending in "/"
	StagingPrefix string // keys under it are the engine's and cannot be named; ends in "/"

	StrictLength bool          // files_put wants a Content-Length, as Dropbox did
	MaxChunk     int64         // bytes; 0: 157,286,400. Bounds what is read before a refusal; the engine enforces it
	BodyIdle     time.Duration // a body that makes no progress for this long is given up; 0: 60 s
	RetryAfter   time.Duration // told with every 503, in whole seconds; 0: 1 s
	Remark       func() string // what /readyz says beside that all is well; nil: nothing
	ReadyTimeout time.Duration // bounds one look at the stores for /readyz; 0: 2 s

	Log      *slog.Logger         // nil: slog.Default()
	Observer Observer             // nil: nobody
	Tracing  trace.TracerProvider // nil: no spans
}

func (c Config) withDefaults() Config {
	if c.MaxChunk == 0 {
		c.MaxChunk = 157_286_400 // PROTOCOL 3.3
	}
	if c.OwnerShare == 0 {
		c.OwnerShare = 75
	}
	if c.RefuseAfter == 0 {
		c.RefuseAfter = 250 * time.Millisecond
	}
	if c.BodyIdle == 0 {
		c.BodyIdle = time.Minute
	}
	if c.RetryAfter == 0 {
		c.RetryAfter = time.Second
	}
	if c.ReadyTimeout == 0 {
		c.ReadyTimeout = 2 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Observer == nil {
		c.Observer = silent{}
	}
	return c
}

// Server is the HTTP side of chunkgate. It is safe for concurrent use.
type Server struct {
	cfg    Config
	routes *echo.Echo

	leaving  atomic.Bool // /readyz says no from now on
	stores   readiness
	inFlight *inFlight
	listings *inFlight
	kept     blocks

	// hard ends with Halt. It is the one context that reaches into chunks that
	// are being received, which outlive their own request's.
	hard context.Context
	halt context.CancelFunc
}

// New makes a server.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg.withDefaults(), routes: echo.New()}
	s.inFlight = newInFlight(s.cfg.MaxInFlight, s.cfg.OwnerShare)
	s.listings = newInFlight(maxListings, s.cfg.OwnerShare)
	s.hard, s.halt = context.WithCancel(context.Background())

	e := s.routes
	e.Pre(canonical)
	if s.cfg.Tracing != nil {
		e.Use(traced(s.cfg.Tracing))
	}
	e.Use(s.receive, cors(s.cfg.Origins))

	probe := []string{http.MethodGet, http.MethodHead}
	e.Match(probe, "/healthz", s.alive)
	e.Match(probe, "/readyz", s.ready)

	e.PUT("/1/chunked_upload", s.authenticated(writes, s.bounded(s.append)))
	e.POST("/1/chunked_upload", s.authenticated(writes, s.bounded(s.append)))
	e.GET("/1/chunked_upload", s.authenticated(writes, s.status))
	e.DELETE("/1/chunked_upload", s.authenticated(writes, s.discard))
	e.POST("/1/commit_chunked_upload/*", s.authenticatedByForm(writes, s.commit))
	e.PUT("/1/files_put/*", s.authenticated(writes, s.bounded(s.put)))
	e.POST("/1/files_put/*", s.authenticated(writes, s.bounded(s.put)))

	form := []string{http.MethodGet, http.MethodPost}
	e.Match(probe, "/1/files/*", s.authenticated(reads, s.download))
	e.Match(form, "/1/metadata/*", s.authenticatedByForm(reads, s.stat))
	e.POST("/1/delta", s.authenticatedByForm(reads, s.delta))
	e.Match(form, "/1/fileops/create_folder", s.authenticatedByForm(writes, s.createFolder))
	e.Match(form, "/1/fileops/delete", s.authenticatedByForm(writes, s.remove))
	e.GET("/1/account/info", s.authenticated(looks, s.accountInfo))
	s.observe()
	return s
}

// ServeHTTP answers one request. The connection under w should allow read
// deadlines, as net/http's do; without them a stalled body is waited for.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer s.catch()
	s.routes.ServeHTTP(w, r)
}

// catch is for a panic outside of what guard sees: while an error is being
// answered, or the request is being accounted for. How much was answered is not
// known then, so the connection is dropped.
func (s *Server) catch() {
	switch p := recover(); p {
	case nil:
	case http.ErrAbortHandler:
		panic(p)
	default:
		s.cfg.Observer.Defect()
		s.cfg.Log.Error("panic", "err", fmt.Sprintf("%v\n%s", p, debug.Stack()))
		panic(http.ErrAbortHandler)
	}
}

// SetNotReady makes /readyz answer 503 from now on, so that load balancers
// turn away before the listener closes.
func (s *Server) SetNotReady() { s.leaving.Store(true) }

// Halt gives up the chunks that are being received; nothing of them counts.
func (s *Server) Halt() { s.halt() }
