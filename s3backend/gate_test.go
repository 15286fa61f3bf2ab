package s3backend

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"
)

// transport stands for net/http: it is told what to do with a request.
type transport func(*http.Request, *httptrace.ClientTrace) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return f(r, httptrace.ContextClientTrace(r.Context()))
}

// reading is a Read of a request's body that may not have returned yet.
type reading struct {
	returned bool
	n        int
	err      error
}

func read(r *http.Request) *reading {
	got := new(reading)
	go func() {
		n, err := r.Body.Read(make([]byte, 10))
		*got = reading{returned: true, n: n, err: err}
	}()
	synctest.Wait()
	return got
}

func mustRequest(t *testing.T, ctx context.Context) *http.Request {
	t.Helper()
	// The reader is not one that net/http knows to be in memory.
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://store/", io.MultiReader(strings.NewReader("body")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGateOpensFor100Continue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := transport(func(r *http.Request, trace *httptrace.ClientTrace) (*http.Response, error) {
			if !r.ProtoAtLeast(1, 1) {
				t.Error("net/http would not wait for 100 Continue")
			}
			trace.GotFirstResponseByte()
			got := read(r)
			if got.returned {
				t.Errorf("body was read before it was known what the store says: %+v", got)
			}
			if err := trace.Got1xxResponse(http.StatusContinue, textproto.MIMEHeader{}); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if !got.returned || got.n != 4 || got.err != nil {
				t.Errorf("got %+v after 100 Continue, want 4 bytes", got)
			}
			return nil, errors.New("enough")
		})
		r := mustRequest(t, t.Context())
		r.ProtoMajor, r.ProtoMinor = 0, 0 // as the SDK makes them
		if _, err := (gatekeeper{next: store}).RoundTrip(r); err == nil {
			t.Error("the error got lost")
		}
	})
}

func TestGateOpensUnasked(t *testing.T) {
	store := transport(func(r *http.Request, _ *httptrace.ClientTrace) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "body" {
			t.Errorf("got %q, %v, want the body", body, err)
		}
		return nil, errors.New("enough")
	})
	_, _ = gatekeeper{next: store}.RoundTrip(mustRequest(t, t.Context()))
}

func TestGateStaysShut(t *testing.T) {
	refuse := func(trace *httptrace.ClientTrace) { trace.GotFirstResponseByte() }
	invite := func(trace *httptrace.ClientTrace) {
		trace.GotFirstResponseByte()
		_ = trace.Got1xxResponse(http.StatusContinue, textproto.MIMEHeader{})
	}
	cases := []struct {
		name string
		tell func(*httptrace.ClientTrace)
		end  func(*http.Response, context.CancelFunc)
	}{
		{"refused, answer read", refuse, func(resp *http.Response, _ context.CancelFunc) { _, _ = io.ReadAll(resp.Body) }},
		{"refused, answer closed", refuse, func(resp *http.Response, _ context.CancelFunc) { _ = resp.Body.Close() }},
		{"in mid-body, answer read", invite, func(resp *http.Response, _ context.CancelFunc) { _, _ = io.ReadAll(resp.Body) }},
		{"in mid-body, call given up", invite, func(_ *http.Response, cancel context.CancelFunc) { cancel() }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var sent *http.Request
				store := transport(func(r *http.Request, trace *httptrace.ClientTrace) (*http.Response, error) {
					sent = r
					c.tell(trace)
					return &http.Response{Body: io.NopCloser(strings.NewReader("answer"))}, nil
				})
				resp, err := gatekeeper{next: store}.RoundTrip(mustRequest(t, ctx))
				if err != nil {
					t.Fatal(err)
				}
				got := read(sent)
				if got.returned {
					t.Fatalf("the body's Read returned before the answer was read: %+v", got)
				}
				c.end(resp, cancel)
				synctest.Wait()
				if !got.returned || got.n != 0 || got.err != errAnswered {
					t.Errorf("got %+v, want %v", got, errAnswered)
				}
			})
		})
	}
}
