package upload_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// silentClient is a body that says nothing after its first bytes, until it is
// interrupted.
type silentClient struct {
	first       io.Reader
	stopped     chan struct{}
	interrupted atomic.Int64
}

func newSilentClient(b []byte) *silentClient {
	return &silentClient{first: read(b)(), stopped: make(chan struct{})}
}

func (c *silentClient) Read(p []byte) (int, error) {
	if n, _ := c.first.Read(p); n > 0 {
		return n, nil
	}
	<-c.stopped
	return 0, upload.ErrUnavailable
}

func (c *silentClient) interrupt() {
	c.interrupted.Add(1)
	close(c.stopped)
}

// sends are the ways of a body to the store.
var sends = map[string]func(context.Context, *lab, io.Reader, func(), int64) error{
	"chunk": func(ctx context.Context, l *lab, body io.Reader, interrupt func(), length int64) error {
		_, err := l.Append(ctx, upload.Chunk{Owner: owner, Length: length, Body: body, Interrupt: interrupt})
		return err
	},
	"file": func(ctx context.Context, l *lab, body io.Reader, interrupt func(), length int64) error {
		_, err := l.Put(ctx, upload.PutRequest{
			CommitRequest: upload.CommitRequest{Owner: owner, Key: func(n int) (string, bool) { return "file", n == 0 }},
			Length:        length, Body: body, Interrupt: interrupt,
		})
		return err
	},
}

// A server that stops hard waits for no client that has gone silent. The client
// is told to repeat, and nothing of what it sent is left.
func TestHardStopAmidBody(t *testing.T) {
	for name, send := range sends {
		for _, has := range []int{0, 10, 90} { // nothing, in the tail, and in a part
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLab()
					body := newSilentClient(content(1, has))
					ctx, stop := context.WithCancel(t.Context())
					answered := make(chan error, 1)
					go func() { answered <- send(ctx, l, body, body.interrupt, 100) }()
					synctest.Wait()
					stop()
					synctest.Wait()
					select {
					case err := <-answered:
						if !errors.Is(err, upload.ErrUnavailable) {
							t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
						}
					default:
						t.Fatal("the server waits for the client")
					}
					l.wantOnly(t)
					if n := l.Lent(); n > 0 {
						t.Errorf("%d bytes of buffers are still in use", n)
					}
				})
			})
		}
	}
}

// What ends after the answer interrupts nobody: the connection may carry the
// client's next request by then.
func TestNoInterruptAfterTheAnswer(t *testing.T) {
	for name, send := range sends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab()
				body := newSilentClient(content(1, 100))
				ctx, end := context.WithCancel(t.Context())
				if err := send(ctx, l, body, body.interrupt, 100); err != nil {
					t.Fatal(err)
				}
				end()
				synctest.Wait()
				if body.interrupted.Load() > 0 {
					t.Error("the connection is interrupted after its request was answered")
				}
			})
		})
	}
}

// hanging is a store whose parts hang until they are given up.
type hanging struct{ upload.Objects }

func (hanging) UploadPart(ctx context.Context, _ upload.Multipart, _ int, _ int64, _ io.Reader) (upload.Part, error) {
	<-ctx.Done()
	return upload.Part{}, ctx.Err()
}

func (hanging) Put(ctx context.Context, _ string, _ int64, _ io.Reader, _ upload.Attributes, _ upload.Condition) (upload.Object, error) {
	<-ctx.Done()
	return upload.Object{}, ctx.Err()
}

// A server that stops hard while the store hangs tells the client to repeat, and
// not that there is a defect.
func TestHardStopAmidStore(t *testing.T) {
	for name, send := range sends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(func(c *upload.Config) { c.Objects = hanging{c.Objects} })
				ctx, stop := context.WithTimeout(t.Context(), time.Second)
				defer stop()
				if err := send(ctx, l, read(content(1, 100))(), nil, 100); !errors.Is(err, upload.ErrUnavailable) {
					t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
				}
			})
		})
	}
}
