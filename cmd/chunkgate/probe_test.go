package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/checkup"
	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

// A store that says itself what is wrong ends serve with a sentence.
func TestServeUnfit(t *testing.T) {
	s := newSite(t)
	t.Setenv("CHUNKGATE_LISTEN", "127.0.0.1:0")
	t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
	for _, test := range []struct{ env, value, want string }{
		{"CHUNKGATE_S3_BUCKET", "another", "create the bucket, or name the right one in CHUNKGATE_S3_BUCKET"},
		{"AWS_ACCESS_KEY_ID", "another", "set the right credentials"},
		{"AWS_SECRET_ACCESS_KEY", "another-secret", "set the right credentials"},
	} {
		t.Run(test.env, func(t *testing.T) {
			t.Setenv(test.env, test.value)
			wantUnfit(t, test.want)
		})
	}
	t.Run("region", func(t *testing.T) {
		there := testserver.MinIO(t, "MINIO_REGION=eu-north-1")
		t.Setenv("CHUNKGATE_S3_ENDPOINT", there.Endpoint)
		t.Setenv("AWS_REGION", "us-west-1")
		wantUnfit(t, "set AWS_REGION to eu-north-1")
	})
	if left := teststore.Keys(t, s.objects, ""); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func wantUnfit(t *testing.T, want string) {
	t.Helper()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"serve"}, io.Discard, &stderr)
	last := stderr.String()
	last = last[strings.LastIndexByte(strings.TrimSuffix(last, "\n"), '\n')+1:]
	if code != exitFailed || !strings.HasPrefix(last, "chunkgate: the object store is not fit: ") || !strings.Contains(last, want) {
		t.Errorf("exit %d, want %d and %q:\n%s", code, exitFailed, want, &stderr)
	}
}

// A user of Redis that may not ask for time or history, also from inside a script,
// ends serve with the words to add, and doctor has the same. With them, both are
// content.
func TestServeDenied(t *testing.T) {
	s := newSite(t)
	t.Setenv("CHUNKGATE_LISTEN", "127.0.0.1:0")
	t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
	const words = "+@read +@write +@scripting +@connection +@transaction +info +time"
	address := s.redis.(*redis.Client).Options().Addr
	as := func(t *testing.T, name string, rules ...string) {
		t.Helper()
		args := []any{"ACL", "SETUSER", name, "on", ">hunter2", "~chunkgate:*"}
		for _, rule := range slices.Concat(strings.Fields(words), rules) {
			args = append(args, rule)
		}
		if err := s.redis.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
		t.Setenv("CHUNKGATE_REDIS_URL", "redis://"+name+":hunter2@"+address)
	}
	for _, without := range []string{"info", "time"} {
		t.Run(without, func(t *testing.T) {
			as(t, "no"+without, "-"+without)
			var stderr bytes.Buffer
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			code := run(ctx, []string{"serve"}, io.Discard, &stderr)
			if code == exitOK || !strings.Contains(stderr.String(), "CHUNKGATE_REDIS_URL names a user") ||
				!strings.Contains(stderr.String(), words) {
				t.Errorf("exit %d, want a failure and %q:\n%s", code, words, &stderr)
			}
			var told bytes.Buffer
			code = run(t.Context(), []string{"doctor"}, &told, &stderr)
			first, _, _ := strings.Cut(told.String(), "\n")
			if code != exitFailed || !strings.HasPrefix(first, "FAIL  redis: ") || !strings.HasSuffix(first, words) {
				t.Errorf("doctor: exit %d, want %d and %q first:\n%s", code, exitFailed, words, &told)
			}
			if all := told.String() + stderr.String(); strings.Contains(all, "hunter2") {
				t.Errorf("a secret is told: %s", all)
			}
		})
	}
	t.Run("with them", func(t *testing.T) {
		as(t, "enough")
		base := "http://" + startServe(t)
		await(t, "it is ready", func() bool { return status(t, base+"/readyz") == http.StatusOK })
		var told, stderr bytes.Buffer
		if code := run(t.Context(), []string{"doctor"}, &told, &stderr); code != exitWarned {
			t.Errorf("doctor: exit %d, want %d:\n%s%s", code, exitWarned, &told, &stderr)
		}
	})
}

// A page that answers in the store's place ends nothing: the server lives, is
// not ready and says why in its log, and is ready when the store is back.
func TestServeBehindPage(t *testing.T) {
	s := newSite(t)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "<html>maintenance</html>")
	}))
	t.Cleanup(page.Close)
	lying := atomic.Bool{}
	lying.Store(true)
	front := front(t, s.minio.Endpoint, page.URL, &lying)
	t.Setenv("CHUNKGATE_S3_ENDPOINT", front)
	t.Setenv("CHUNKGATE_LISTEN", "127.0.0.1:0")
	t.Setenv("CHUNKGATE_INSECURE_NO_AUTH", "true")
	base := "http://" + startServe(t)
	if got := status(t, base+"/healthz"); got != http.StatusOK {
		t.Errorf("/healthz: %d", got)
	}
	if got := status(t, base+"/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz behind the page: %d", got)
	}
	lying.Store(false)
	await(t, "it is ready", func() bool { return status(t, base+"/readyz") == http.StatusOK })
	if left := teststore.Keys(t, s.objects, ""); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// The probe goes on until it is known what the store is, and tells so.
func TestProbeGoesOn(t *testing.T) {
	away := errors.New("away")
	outcomes := []error{away, nil}
	p := &probe{log: slog.New(slog.DiscardHandler)}
	p.try = func(context.Context) error {
		if want := map[int]error{2: errNotTried, 1: away}[len(outcomes)]; !errors.Is(p.ready(), want) {
			t.Errorf("ready before try: %v, want %v", p.ready(), want)
		}
		err := outcomes[0]
		outcomes = outcomes[1:]
		return err
	}
	if err := p.run(t.Context()); err != nil || p.ready() != nil {
		t.Errorf("got %v, ready: %v", err, p.ready())
	}
	unfit := &s3backend.Unfit{Finding: checkup.Bad("advice", "found")}
	p.try = func(context.Context) error { return unfit }
	if err := p.run(t.Context()); !errors.Is(err, unfit) {
		t.Errorf("got %v, want it to end", err)
	}
}

// front forwards to one of two servers, as lying says.
func front(t *testing.T, honest, liar string, lying *atomic.Bool) string {
	t.Helper()
	s := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		to := honest
		if lying.Load() {
			to = liar
		}
		target, err := url.Parse(to)
		if err != nil {
			t.Error(err)
			return
		}
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}})
	t.Cleanup(s.Close)
	return s.URL
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); !so(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
