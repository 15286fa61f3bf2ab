package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

func TestHealth(t *testing.T) {
	var asked atomic.Int32
	s := start(t, &fakeEngine{ready: func(context.Context) error {
		if asked.Add(1) == 1 {
			return nil
		}
		return errors.New("redis said no")
	}})
	for range 3 { // the stores are asked once
		if got := s.send(t, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != 200 || got.body != `{"status": "ok"}` {
			t.Errorf("ready: got %d %s, want 200", got.status, got.body)
		}
	}
	s.stores.mu.Lock()
	s.stores.at = time.Now().Add(-readinessAge)
	s.stores.mu.Unlock()
	if got := s.send(t, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != 503 || got.body != `{"error": "Not ready"}` {
		t.Errorf("stores gone: got %d %s, want 503", got.status, got.body)
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("the stores were asked %d times, want 2", got)
	}
	s.await(t, "redis said no")

	s.SetNotReady()
	if got := s.send(t, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != 503 {
		t.Errorf("stopping: got %d %s, want 503", got.status, got.body)
	}
	if got := s.send(t, "GET /healthz HTTP/1.0\r\n\r\n"); got.status != 200 {
		t.Errorf("alive: got %d %s, want 200", got.status, got.body)
	}
	res, err := http.Head("http://" + s.addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("alive, by HEAD: got %d, want 200", res.StatusCode)
	}
}

// What the operator should know is told though all is well.
func TestReadinessRemarks(t *testing.T) {
	s := start(t, &fakeEngine{ready: func(context.Context) error { return nil }}, func(c *Config) { c.Remark = func() string { return "Redis is nearly full" } })
	want := `{"status": "ok", "remark": "Redis is nearly full"}`
	if got := s.send(t, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != 200 || got.body != want {
		t.Errorf("got %d %s, want 200 %s", got.status, got.body, want)
	}
}

func TestReadinessIsBounded(t *testing.T) {
	s := start(t, &fakeEngine{ready: func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}}, func(c *Config) { c.ReadyTimeout = 10 * time.Millisecond })
	if got := s.send(t, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"); got.status != 503 {
		t.Errorf("got %d %s, want 503", got.status, got.body)
	}
}

// serve runs Serve; what it returns comes over the channel.
func serve(tb testing.TB, e *fakeEngine, grace time.Duration) (s *site, stop context.CancelFunc, done <-chan error) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	srv := New(Config{Engine: e, Auth: mustTokens(tb, tokensFile), Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ctx, l, grace) }()
	return &site{Server: srv, addr: l.Addr().String()}, stop, ended
}

// A chunk that is being received when the server is told to stop is finished
// and answered; new connections are refused, and Serve has no error.
func TestServeFinishesRunningChunks(t *testing.T) {
	began := make(chan struct{})
	s, stop, done := serve(t, &fakeEngine{append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
		close(began)
		return take(ctx, c)
	}}, time.Minute)
	c := s.dial(t)
	if _, err := io.WriteString(c, putChunk+"Content-Length: 10\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	<-began
	stop()
	await(t, "refused connection", func() bool {
		other, err := net.Dial("tcp", s.addr)
		if err == nil {
			_ = other.Close()
		}
		return err != nil
	})
	if !s.leaving.Load() {
		t.Error("still ready")
	}
	if _, err := io.WriteString(c, "world"); err != nil {
		t.Fatal(err)
	}
	got := mustAnswer(t, bufio.NewReader(c))
	if got.status != http.StatusOK || !strings.HasSuffix(got.body, `"offset": 10}`) {
		t.Errorf("got %d %s, want 200 with offset 10", got.status, got.body)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// What runs longer than the grace is cut.
func TestServeCutsAfterGrace(t *testing.T) {
	ended := make(chan error, 1)
	began := make(chan struct{})
	s, stop, done := serve(t, &fakeEngine{append: func(ctx context.Context, _ upload.Chunk) (upload.Status, error) {
		close(began)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return upload.Status{}, ctx.Err()
	}}, 20*time.Millisecond)
	c := s.dial(t)
	if _, err := io.WriteString(c, putChunk+"Content-Length: 10\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	<-began
	stop()
	if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve: got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := <-ended; !errors.Is(err, errHalted) {
		t.Errorf("the chunk ended with %v, want %v", err, errHalted)
	}
}

func TestServeSaysWhyItCannot(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := New(Config{}).Serve(t.Context(), l, time.Second); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want %v", err, net.ErrClosed)
	}
}

// Clients match `HTTP/1.1 200 OK`, so nothing else may be agreed upon.
func TestOnlyHTTP1(t *testing.T) {
	srv := HTTPServer(New(Config{}), slog.New(slog.DiscardHandler))
	if p := srv.Protocols; !p.HTTP1() || p.HTTP2() || p.UnencryptedHTTP2() {
		t.Errorf("protocols %v", p)
	}
	if srv.ReadTimeout != 0 || srv.WriteTimeout != 0 || srv.ReadHeaderTimeout == 0 || srv.IdleTimeout == 0 {
		t.Error("a whole request is bounded, or a header or an idle connection is not")
	}
}
