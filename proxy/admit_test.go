package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// raw sends a request on a connection of its own and reads until it is closed.
func (s *site) raw(t *testing.T, request string) string {
	t.Helper()
	c := s.dial(t)
	if _, err := io.WriteString(c, strings.Replace(request, "Host: x\r\n", "Host: x\r\nConnection: close\r\n", 1)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// statusOf answers a request without a connection.
func statusOf(s *Server, r *http.Request) int {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

// ended is a context that is over.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestInFlight(t *testing.T) {
	type step struct {
		owner string
		bytes int64 // negative: leave
		most  int64
		want  error
	}
	many := func(n int, s step) []step {
		all := make([]step, n)
		for i := range all {
			all[i] = s
		}
		return all
	}
	for name, test := range map[string]struct {
		places, share int
		steps         []step
	}{
		"no limits": {0, 75, many(1000, step{"a", 1 << 40, 0, nil})},
		"share": {8, 75, append(many(6, step{"a", 1, 0, nil}),
			step{"a", 1, 0, errGreedy}, step{"b", 1, 0, nil}, step{"b", 1, 0, nil}, step{"c", 1, 0, errFull},
			step{"a", -1, 0, nil}, step{"a", 1, 0, errGreedy}, step{"c", 1, 0, nil})},
		"whole share": {2, 100, []step{{"a", 1, 0, nil}, {"a", 1, 0, nil}, {"a", 1, 0, errFull}, {"b", 1, 0, errFull}}},
		"one place":   {1, 75, []step{{"a", 1, 0, nil}, {"b", 1, 0, errFull}, {"a", -1, 0, nil}, {"b", 1, 0, nil}}},
		"bytes": {0, 75, []step{{"a", 60, 100, nil}, {"a", 41, 100, errHeavy}, {"a", 40, 100, nil}, {"b", 100, 100, nil},
			{"a", -60, 0, nil}, {"a", 60, 100, nil}}},
		"one alone": {0, 75, []step{{"a", 1000, 100, nil}, {"a", 1, 100, errHeavy}, {"a", -1000, 0, nil}, {"a", 1, 100, nil}}},
		"overflow":  {0, 75, []step{{"a", 60, 100, nil}, {"a", 1<<63 - 1, 100, errHeavy}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newInFlight(test.places, test.share)
			for i, s := range test.steps {
				if s.bytes < 0 {
					f.leave(s.owner, -s.bytes)
				} else if err := f.enter(s.owner, s.bytes, s.most); !errors.Is(err, s.want) {
					t.Fatalf("step %d, %+v: got %v", i, s, err)
				}
			}
		})
	}
}

// Owners that have nothing in flight are forgotten, and counts come out even.
func TestInFlightForgets(t *testing.T) {
	f := newInFlight(100, 75)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			owner := fmt.Sprint(i % 3)
			for range 1000 {
				if f.enter(owner, 7, 0) == nil {
					f.leave(owner, 7)
				}
			}
		})
	}
	wg.Wait()
	if f.taken != 0 || len(f.owners) != 0 {
		t.Errorf("%d places are taken, by %d owners", f.taken, len(f.owners))
	}
}

// holding is an engine whose chunks wait for leave to end.
func holding(release <-chan struct{}) *fakeEngine {
	return &fakeEngine{append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) {
		if c.Owner == "greedy" {
			<-release
		}
		return take(ctx, c)
	}}
}

const twoOwners = tokensFile + "sha256:4c5dc9b7708905f77f5e5d16316b5dfb425e68cb326dcd55a860e90a7707031e greedy g/\n" // test-token

// Of 500 chunks of a greedy owner as many go on as its share allows. The others
// are refused, those that wait for 100 Continue without having sent a byte,
// while another owner's chunk gets through; and those come in later.
func TestGreedyOwnerIsRefused(t *testing.T) {
	release := make(chan struct{})
	s := start(t, holding(release), func(c *Config) {
		c.Auth, c.MaxInFlight = mustTokens(t, twoOwners), 40
	})
	const head = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-token\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
	answers := make(chan answer, 500)
	for range 500 {
		c := s.dial(t)
		go func() {
			_, _ = io.WriteString(c, head)
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				answers <- answer{}
				return
			}
			answers <- answer{status: res.StatusCode, header: res.Header}
		}()
	}
	for range 470 { // the other 30 wait in the engine
		if got := <-answers; got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "1" {
			t.Fatalf("got %d, Retry-After %q, want 429 and 1", got.status, got.header.Get("Retry-After"))
		}
	}
	if got := s.call(t, "PUT", "/1/chunked_upload", "Content-Length: 3\r\n", "abc"); got.status != http.StatusOK {
		t.Errorf("the other owner: got %d %s, want 200", got.status, got.body)
	}
	close(release)
	for range 30 {
		if got := <-answers; got.status != http.StatusContinue {
			t.Errorf("got %d, want 100", got.status)
		}
	}
	await(t, "the places to be free", func() bool { // their clients are gone without a body
		s.inFlight.mu.Lock()
		defer s.inFlight.mu.Unlock()
		return s.inFlight.taken <= 30
	})
}

// A refused body is drained, so that a client that writes first can read why.
func TestRefusedBodyIsDrained(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	s := start(t, holding(release), func(c *Config) { c.Auth, c.MaxInFlight = mustTokens(t, twoOwners), 1 })
	first := s.dial(t)
	if _, err := io.WriteString(first, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test-token\r\nContent-Length: 3\r\n\r\nabc"); err != nil {
		t.Fatal(err)
	}
	await(t, "the first chunk", func() bool {
		s.inFlight.mu.Lock()
		defer s.inFlight.mu.Unlock()
		return s.inFlight.taken == 1
	})
	const size = 8 << 20
	got := s.call(t, "PUT", "/1/chunked_upload", fmt.Sprintf("Content-Length: %d\r\n", size), strings.Repeat("x", size))
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "1" || got.close {
		t.Errorf("got %d %s, closing: %t, want 503 with Retry-After and no closing", got.status, got.body, got.close)
	}
}

// fakeLimiter answers as a test says.
type fakeLimiter struct {
	wait  time.Duration
	err   error
	owner string
	rate  int
}

func (l *fakeLimiter) Allow(_ context.Context, owner string, rate int) (time.Duration, error) {
	l.owner, l.rate = owner, rate
	return l.wait, l.err
}

// Every request of an owner counts, by its own rate or by everybody's.
func TestRate(t *testing.T) {
	const own = "sha256:dd99988497dabb68701e83597497dd40564ef53e193241c8f0b24680b0e1a059 ada ada/ max-rate="
	for name, test := range map[string]struct {
		file    string
		usual   int64
		limiter *fakeLimiter
		status  int
		again   string
		rate    int
	}{
		"no rate":    {tokensFile, 0, &fakeLimiter{err: upload.ErrUnavailable}, 200, "", 0},
		"usual":      {tokensFile, 7, &fakeLimiter{}, 200, "", 7},
		"own":        {own + "3", 7, &fakeLimiter{}, 200, "", 3},
		"none":       {own + "0", 7, &fakeLimiter{err: upload.ErrUnavailable}, 200, "", 0},
		"too fast":   {own + "3", 0, &fakeLimiter{wait: 2100 * time.Millisecond}, 429, "3", 3},
		"a bit":      {own + "3", 0, &fakeLimiter{wait: time.Millisecond}, 429, "1", 3},
		"no answer":  {own + "3", 0, &fakeLimiter{err: upload.ErrUnavailable}, 503, "1", 3},
		"no limiter": {own + "3", 0, nil, 500, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, &fakeEngine{append: take}, func(c *Config) {
				c.Auth, c.Owner.MaxRate = mustTokens(t, test.file), test.usual
				if test.limiter != nil {
					c.Rates = test.limiter
				}
			})
			got := s.call(t, "PUT", "/1/chunked_upload", "Content-Length: 3\r\n", "abc")
			if got.status != test.status || got.header.Get("Retry-After") != test.again {
				t.Errorf("got %d %s, Retry-After %q, want %d and %q", got.status, got.body, got.header.Get("Retry-After"), test.status, test.again)
			}
			if l := test.limiter; l != nil && (l.rate != test.rate || test.rate > 0 && l.owner != "ada") {
				t.Errorf("counted for %q at %d, want ada at %d", l.owner, l.rate, test.rate)
			}
		})
	}
}

// The engine is told the limits of the account.
func TestLimitsReachTheEngine(t *testing.T) {
	var chunk upload.Chunk
	var whole upload.PutRequest
	engine := &fakeEngine{
		append: func(ctx context.Context, c upload.Chunk) (upload.Status, error) { chunk = c; return take(ctx, c) },
		put: func(_ context.Context, r upload.PutRequest) (upload.Object, error) {
			whole = r
			return upload.Object{ETag: `"0a"`}, nil
		},
	}
	s := start(t, engine, func(c *Config) {
		c.Auth = mustTokens(t, strings.TrimSpace(tokensFile)+" max-object=5MiB")
		c.Owner = Limits{MaxObject: 1, MaxUploads: 9}
	})
	s.call(t, "PUT", "/1/chunked_upload", "", "")
	s.call(t, "PUT", "/1/files_put/auto/x", "Content-Length: 0\r\n", "")
	if chunk.MaxObject != 5<<20 || chunk.MaxUploads != 9 || whole.MaxObject != 5<<20 {
		t.Errorf("told %d bytes and %d uploads, for whole files %d bytes", chunk.MaxObject, chunk.MaxUploads, whole.MaxObject)
	}
}
