package s3backend_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/upload"
)

var someMultipart = upload.Multipart{Key: "key", ID: "id"}

// mustServe makes a backend whose store is handle.
func mustServe(tb testing.TB, checksum s3backend.Checksum, t s3backend.Timeouts, handle http.HandlerFunc) *s3backend.Backend {
	tb.Helper()
	server := httptest.NewServer(signed(handle))
	tb.Cleanup(server.Close)
	b, err := s3backend.New(tb.Context(), s3backend.Config{
		Endpoint: server.URL, Bucket: "b", PathStyle: true, Checksum: checksum, Timeouts: t,
		AccessKey: "local", SecretKey: "local-secret",
	})
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// signed gives every answer what S3 puts into the head of each.
func signed(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Request-Id", "1")
		w.Header().Set("ETag", `"tag"`)
		handle(w, r)
	}
}

// counted counts what is taken of a body.
type counted struct {
	io.Reader
	taken atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.taken.Add(int64(n))
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A store may close the connection with its refusal, as Go's server does, or
// keep it open; net/http would then send the body.
func TestRefusalComesBeforeBody(t *testing.T) {
	const said = "<Error><Code>SlowDown</Code></Error>"
	closing := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, said)
	}
	keeping := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 503 Slow Down\r\nContent-Length: %d\r\n\r\n%s", len(said), said)
		if n, _ := io.Copy(io.Discard, conn); n != 0 {
			t.Errorf("%d bytes were sent after the refusal", n)
		}
	}
	stores := map[string]http.HandlerFunc{"closing": closing, "keeping": keeping}
	for name, refuse := range stores {
		for _, checksum := range []s3backend.Checksum{s3backend.Trailer, s3backend.None} {
			t.Run(name+"/"+string(checksum), func(t *testing.T) {
				var calls atomic.Int64
				b := mustServe(t, checksum, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
					calls.Add(1)
					refuse(w, r)
				})
				for _, size := range []int64{1, 64 << 20} {
					body := &counted{Reader: zeros{}}
					_, err := b.UploadPart(t.Context(), someMultipart, 1, size, body)
					if !errors.Is(err, upload.ErrUnavailable) || !strings.Contains(err.Error(), "SlowDown") {
						t.Errorf("got %v, want %v for SlowDown", err, upload.ErrUnavailable)
					}
					if n := body.taken.Load(); n != 0 {
						t.Errorf("%d bytes of %d were taken", n, size)
					}
				}
				if n := calls.Load(); n != 2 {
					t.Errorf("got %d calls, want 2: whoever owns the body repeats", n)
				}
			})
		}
	}
}

func TestRequestOfKnownLength(t *testing.T) {
	pipe := func() io.Reader {
		r, w := io.Pipe()
		go func() {
			_, _ = w.Write(make([]byte, 1000))
			_ = w.Close()
		}()
		return r
	}
	cases := []struct {
		name     string
		checksum s3backend.Checksum
		body     io.Reader
		length   int64
		sha256   string
		expect   string
	}{
		{"trailer", s3backend.Trailer, zeros{}, 1044, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "100-continue"},
		{"none", s3backend.None, zeros{}, 1000, "UNSIGNED-PAYLOAD", "100-continue"},
		{"pipe", s3backend.None, pipe(), 1000, "UNSIGNED-PAYLOAD", "100-continue"},
		{"in memory", s3backend.None, bytes.NewReader(make([]byte, 1000)), 1000, "UNSIGNED-PAYLOAD", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := mustServe(t, c.checksum, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
				n, _ := io.Copy(io.Discard, r.Body)
				if n != c.length || r.ContentLength != n || len(r.TransferEncoding) > 0 {
					t.Errorf("got %d bytes, Content-Length %d, Transfer-Encoding %q, want length %d",
						n, r.ContentLength, r.TransferEncoding, c.length)
				}
				if got := r.Header.Get("X-Amz-Content-Sha256"); got != c.sha256 {
					t.Errorf("got payload hash %q, want %q", got, c.sha256)
				}
				if got := r.Header.Get("Expect"); got != c.expect {
					t.Errorf("got Expect %q, want %q", got, c.expect)
				}
			})
			if _, err := b.UploadPart(t.Context(), someMultipart, 1, 1000, c.body); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMemoryIsFlat(t *testing.T) {
	b := mustServe(t, s3backend.Trailer, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})
	send := func(size int64) {
		if _, err := b.UploadPart(t.Context(), someMultipart, 1, size, zeros{}); err != nil {
			t.Fatal(err)
		}
	}
	send(1) // dials, and fills the pools
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	send(64 << 20)
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(2<<20); got > most {
		t.Errorf("%d bytes were allocated for a part of 64 MiB, want at most %d", got, most)
	}
}

// A store that answers in mid-body has decided.
func TestEarlyAnswer(t *testing.T) {
	b := mustServe(t, s3backend.Trailer, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := control.EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		const said = "<Error><Code>NoSuchUpload</Code></Error>"
		w.Header().Set("Content-Length", strconv.Itoa(len(said)))
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, said)
		_ = control.Flush()
		_, _ = io.Copy(io.Discard, r.Body)
	})
	body := &counted{Reader: zeros{}}
	_, err := b.UploadPart(t.Context(), someMultipart, 1, 4<<30, body)
	if !errors.Is(err, upload.ErrNotExist) {
		t.Errorf("got %v, want %v", err, upload.ErrNotExist)
	}
	taken := body.taken.Load()
	if taken >= 4<<30 {
		t.Error("the whole body was sent")
	}
	runtime.Gosched()
	if now := body.taken.Load(); now != taken {
		t.Errorf("the body was read on after the call had ended: %d bytes, then %d", taken, now)
	}
}

func TestReset(t *testing.T) {
	b := mustServe(t, s3backend.Trailer, s3backend.Timeouts{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	_, err := b.UploadPart(t.Context(), someMultipart, 1, 1<<30, zeros{})
	if !errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
	}
}

// Every way in which a store can make no progress ends the call.
func TestStalledStore(t *testing.T) {
	short := s3backend.Timeouts{Call: 100 * time.Millisecond, Stall: 100 * time.Millisecond}
	hang := func(http.ResponseWriter, *http.Request) {}
	hangInMidBody := func(_ http.ResponseWriter, r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, 1<<20) }
	hangInAnswer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
	}
	part := func(ctx context.Context, b *s3backend.Backend) error {
		_, err := b.UploadPart(ctx, someMultipart, 1, 1<<30, zeros{})
		return err
	}
	cases := []struct {
		name   string
		handle http.HandlerFunc
		call   func(context.Context, *s3backend.Backend) error
	}{
		{"before the body", hang, part},
		{"in mid-body", hangInMidBody, part},
		{"after the body", hang, func(ctx context.Context, b *s3backend.Backend) error {
			_, err := b.Put(ctx, "key", 3, bytes.NewReader([]byte("abc")), upload.Attributes{}, upload.Condition{})
			return err
		}},
		{"small call", hang, func(ctx context.Context, b *s3backend.Backend) error {
			_, err := b.Head(ctx, "key")
			return err
		}},
		{"in mid-answer", hangInAnswer, func(ctx context.Context, b *s3backend.Backend) error {
			r, err := b.Get(ctx, "key", 100)
			if err != nil {
				t.Errorf("get: %v", err)
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ended := make(chan struct{})
			b := mustServe(t, s3backend.Trailer, short, func(w http.ResponseWriter, r *http.Request) {
				c.handle(w, r)
				<-ended
			})
			t.Cleanup(func() { close(ended) }) // before the server waits for its handlers
			begun := time.Now()
			err := c.call(t.Context(), b)
			if !errors.Is(err, upload.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
			}
			if took := time.Since(begun); took > 3*time.Second {
				t.Errorf("the call ended after %v", took)
			}
		})
	}
}

// A client that is slow is not the store's fault.
func TestSlowBodyIsNoStall(t *testing.T) {
	b := mustServe(t, s3backend.Trailer, s3backend.Timeouts{Stall: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})
	late := make(chan struct{})
	time.AfterFunc(200*time.Millisecond, func() { close(late) })
	body := readerFunc(func(p []byte) (int, error) {
		<-late
		return zeros{}.Read(p)
	})
	if _, err := b.UploadPart(t.Context(), someMultipart, 1, 100, body); err != nil {
		t.Error(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
