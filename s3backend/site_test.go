package s3backend

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

func part(ctx context.Context, b *Backend) error {
	_, err := b.UploadPart(ctx, someUpload, 1, 5, streamed("hello"))
	return err
}

// A store whose clock is 20 minutes off takes parts as well as small calls, after
// one refusal.
func TestClockOfTheStore(t *testing.T) {
	isolate(t)
	calls := map[string]func(context.Context, *Backend) error{
		"part": part,
		"put": func(ctx context.Context, b *Backend) error {
			_, err := b.Put(ctx, "k", 5, strings.NewReader("hello"), upload.Attributes{}, upload.Condition{})
			return err
		},
		"head": func(ctx context.Context, b *Backend) error {
			o, err := b.Head(ctx, "k")
			if err == nil && o.Size != 5 {
				return fmt.Errorf("an object of %d bytes", o.Size)
			}
			return err
		},
		"abort": func(ctx context.Context, b *Backend) error { return b.Abort(ctx, someUpload) },
	}
	for _, off := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		for name, call := range calls {
			var refused int
			for way, b := range mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
				now := time.Now().Add(off)
				w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
				signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
				if err != nil || now.Sub(signed).Abs() > 15*time.Minute {
					refused++
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, "<Error><Code>RequestTimeTooSkewed</Code></Error>")
					return
				}
				switch r.Method {
				case http.MethodDelete:
					w.WriteHeader(http.StatusNoContent)
				case http.MethodGet:
					say(206, "x", "Content-Range", "bytes 0-0/5")(w, r)
				case http.MethodHead:
					w.Header().Set("Content-Length", "5")
				default:
					_, _ = io.Copy(io.Discard, r.Body)
				}
			}) {
				refused = 0
				for range 3 {
					if err := call(t.Context(), b); err != nil {
						t.Errorf("%v off, %s, %s: %v", off, way, name, err)
					}
				}
				if refused > 2 { // a HEAD's refusal tells nothing, so a GET is refused too
					t.Errorf("%v off, %s, %s: refused %d times", off, way, name, refused)
				}
			}
		}
	}
}

// Credentials that have expired at the store before they did here are fetched
// anew.
func TestExpiredCredentials(t *testing.T) {
	for name, call := range map[string]func(context.Context, *Backend) error{"part": part, "list": everyCall[15].make} {
		isolate(t)
		fetched := 0
		role := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fetched++
			_, _ = fmt.Fprintf(w, `{"AccessKeyId":"key%d","SecretAccessKey":"s","Token":"t","Expiration":%q}`,
				fetched, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}))
		t.Cleanup(role.Close)
		t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", role.URL)
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Authorization"), "Credential=key1/") {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, "<Error><Code>ExpiredToken</Code></Error>")
				return
			}
			w.Header().Set("ETag", `"e"`)
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, "<ListBucketResult></ListBucketResult>")
			}
		}))
		t.Cleanup(store.Close)
		b, err := New(t.Context(), Config{Endpoint: store.URL, Bucket: "b", PathStyle: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := call(t.Context(), b); err != nil || fetched != 2 {
			t.Errorf("%s: got %v after credentials were fetched %d times, want success after 2", name, err, fetched)
		}
	}
}

// A new bucket's parts are wanted at another host of the store, which is then
// asked at once.
func TestRedirect(t *testing.T) {
	isolate(t)
	var reached, redirected int
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != r.Context().Value(http.LocalAddrContextKey).(net.Addr).String() {
			t.Errorf("host %s", r.Host)
		}
		reached++
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("ETag", `"e"`)
	}))
	t.Cleanup(other.Close)
	for _, way := range []string{"direct", "sdk"} {
		reached, redirected = 0, 0
		b := mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
			redirected++
			w.Header().Set("Location", other.URL+r.URL.RequestURI())
			w.WriteHeader(http.StatusTemporaryRedirect)
			_, _ = io.WriteString(w, "<Error><Code>TemporaryRedirect</Code></Error>")
		})[way]
		for range 3 {
			if err := part(t.Context(), b); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
		}
		if reached != 3 || redirected != 1 {
			t.Errorf("%s: redirected %d times to what was reached %d times, want 1 and 3", way, redirected, reached)
		}
	}
}

// What another call has learnt meanwhile is no reason to repeat this one: its
// first try may have taken effect, and would then be refused as another's.
func TestLessonOfAnother(t *testing.T) {
	isolate(t)
	var puts, listed atomic.Int32
	var b *Backend
	b = mustBothWays(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(20*time.Minute).UTC().Format(http.TimeFormat))
		switch {
		case r.Method == http.MethodPut && puts.Add(1) > 1:
			say(412, "<Error><Code>PreconditionFailed</Code></Error>")(w, r)
		case r.Method == http.MethodPut: // it takes effect, and its answer is lost
			if err := b.Ping(r.Context()); err != nil {
				t.Error(err)
			}
			panic(http.ErrAbortHandler)
		case listed.Add(1) == 1:
			say(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>")(w, r)
		default:
			say(200, "<ListBucketResult></ListBucketResult>")(w, r)
		}
	})["direct"]
	_, err := b.Put(t.Context(), "k", 5, strings.NewReader("hello"), upload.Attributes{}, upload.Condition{Absent: true})
	wantUnavailable(t, "put", err)
}

// Calls that were under way when another one learnt the store's clock, or that
// the keys had expired, are repeated too; those that went by it are not.
func TestLessonsAtOnce(t *testing.T) {
	const ahead = 20 * time.Minute
	for code, known := range map[string]time.Duration{"RequestTimeTooSkewed": 0, "ExpiredToken": ahead} {
		synctest.Test(t, func(t *testing.T) {
			s := &site{ahead: known, keys: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("a", "s", ""))}
			sign := func() *http.Request {
				r := httptest.NewRequest(http.MethodPut, "http://store/b/k", nil)
				if err := (signer{v4.NewSigner(), s}).SignHTTP(t.Context(), aws.Credentials{}, r, "", "s3", "r", time.Time{}); err != nil {
					t.Fatal(err)
				}
				return r
			}
			refused := func(r *http.Request) bool {
				date := time.Now().Add(ahead).UTC().Format(http.TimeFormat)
				return s.learn(r, &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Date": {date}}}, code)
			}
			first, late := sign(), sign()
			if !refused(first) {
				t.Errorf("%s: the first call that is refused is not repeated", code)
			}
			time.Sleep(5 * time.Second)
			if !refused(late) {
				t.Errorf("%s: a call that was under way is not repeated", code)
			}
			if refused(sign()) {
				t.Errorf("%s: a call that went by what was learnt is repeated", code)
			}
		})
	}
}

// The clock is learnt anew when the store's was set, and from no answer that a
// cache had kept.
func TestClockIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(site)
		for _, c := range []struct {
			ahead time.Duration
			age   string
			want  time.Duration
		}{
			{20 * time.Minute, "", 20 * time.Minute},
			{-20 * time.Minute, "", -20 * time.Minute},
			{-20*time.Minute + 10*time.Second, "", -20 * time.Minute},
			{20 * time.Minute, "5", -20 * time.Minute},
			{0, "", 0},
		} {
			date := time.Now().Add(c.ahead).UTC().Format(http.TimeFormat)
			answer := &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Date": {date}}}
			if c.age != "" {
				answer.Header.Set("Age", c.age)
			}
			r := httptest.NewRequest(http.MethodGet, "http://store/b/k", nil)
			s.learn(r, answer, "RequestTimeTooSkewed")
			if got := s.direct(r); got != c.want {
				t.Errorf("a store %v ahead: calls are signed %v ahead, want %v", c.ahead, got, c.want)
			}
		}
	})
}

// Where a bucket is wanted elsewhere than it was sent to, calls go straight to
// the latest place.
func TestRedirectTwice(t *testing.T) {
	s := &site{endpoint: "store.example"}
	hosts := []string{"store.example", "one.store.example", "two.store.example"}
	for i, from := range hosts[:2] {
		answer := &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"http://" + hosts[i+1] + "/b/k"}}}
		if !s.learn(httptest.NewRequest(http.MethodGet, "http://"+from+"/b/k", nil), answer, "TemporaryRedirect") {
			t.Errorf("from %s: not followed", from)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "http://store.example/b/k", nil)
	if s.direct(r); r.URL.Host != hosts[2] {
		t.Errorf("asked at %s, want %s", r.URL.Host, hosts[2])
	}
}

// Bodies go to no host that is not the store's.
func TestRedirectElsewhere(t *testing.T) {
	for _, test := range []struct {
		endpoint, from, to string
		want               bool
	}{
		{"", "https://photos.s3.amazonaws.com/k", "https://photos.s3-eu-west-1.amazonaws.com/k?partNumber=1", true},
		{"", "https://photos.s3.eu-west-1.amazonaws.com/k", "https://photos.s3.eu-central-1.amazonaws.com/k", true},
		{"", "https://s3.amazonaws.com/photos/k", "https://s3.eu-west-1.amazonaws.com/photos/k", true},
		{"", "https://photos.s3.amazonaws.com/k", "https://others.s3-eu-west-1.amazonaws.com/k", false},
		{"", "https://photos.s3.amazonaws.com/k", "https://photos.s3.amazonaws.com.example.org/k", false},
		{"", "https://photos.s3.amazonaws.com/k", "https://ec2-1-2-3-4.compute.amazonaws.com/k", false},
		{"", "https://photos.s3.amazonaws.com/k", "http://photos.s3-eu-west-1.amazonaws.com/k", false},
		{"", "https://photos.s3.amazonaws.com/k", "https://photos.s3-eu-west-1.amazonaws.com/l", false},
		{"store.example.org", "https://store.example.org/b/k", "https://two.store.example.org/b/k", true},
		{"store.example.org", "https://store.example.org/b/k", "https://store.example.org:444/b/k", true},
		{"store.example.org", "https://store.example.org/b/k", "https://example.org/b/k", false},
		{"store.example.org", "https://store.example.org/b/k", "https://astore.example.org/b/k", false},
		{"store.example.org", "https://store.example.org/b/k", "https://store.example.org/b/k", false},
	} {
		r := httptest.NewRequest(http.MethodPut, test.from, nil)
		s := &site{endpoint: test.endpoint}
		answer := &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {test.to}}}
		if got := s.learn(r, answer, "TemporaryRedirect"); got != test.want {
			t.Errorf("from %s to %s: followed %t, want %t", test.from, test.to, got, test.want)
		}
	}
}

// A store that does not know Expect costs its wait twice, and not for ever; one
// that refuses it takes parts all the same.
func TestExpect(t *testing.T) {
	isolate(t)
	for name, test := range map[string]struct {
		answer func(*http.Request) string
		want   []string
	}{
		"ignored": {func(r *http.Request) string {
			_, _ = io.Copy(io.Discard, r.Body)
			return "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n"
		}, []string{"100-continue", "100-continue", "", ""}},
		"refused": {func(r *http.Request) string {
			if r.Header.Get("Expect") != "" {
				return "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
			}
			_, _ = io.Copy(io.Discard, r.Body)
			return "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n"
		}, []string{"100-continue", "", "", "", ""}},
	} {
		for _, way := range []string{"direct", "sdk"} {
			var mu sync.Mutex
			var asked []string
			addr := plainServer(t, func(conn net.Conn, r *http.Request) bool {
				mu.Lock()
				asked = append(asked, r.Header.Get("Expect"))
				mu.Unlock()
				said := test.answer(r)
				_, err := io.WriteString(conn, said)
				return err == nil && !strings.Contains(said, "close")
			})
			b, err := New(t.Context(), Config{
				Endpoint: "http://" + addr, Bucket: "b", PathStyle: true, AccessKey: "a", SecretKey: "s",
				Timeouts: Timeouts{Continue: 50 * time.Millisecond},
			})
			if err != nil {
				t.Fatal(err)
			}
			if way == "sdk" {
				b.courier = nil
			}
			for range 4 {
				if err := part(t.Context(), b); err != nil {
					t.Errorf("%s, %s: %v", name, way, err)
				}
			}
			mu.Lock()
			if diff := cmp.Diff(test.want, asked); diff != "" {
				t.Errorf("%s, %s: Expect (-want +got):\n%s", name, way, diff)
			}
			mu.Unlock()
		}
	}
}

// plainServer serves requests without what net/http does for its handlers. serve
// says whether the connection goes on.
func plainServer(t *testing.T, serve func(net.Conn, *http.Request) bool) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil || !serve(conn, r) {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// A store that takes bytes steadily is slow, and does not stand still.
func TestSlowStore(t *testing.T) {
	isolate(t)
	const size = 12 << 20
	for _, way := range []string{"direct", "sdk"} {
		addr := plainServer(t, func(conn net.Conn, r *http.Request) bool {
			_ = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
			pace := time.NewTicker(5 * time.Millisecond)
			defer pace.Stop()
			for left := int64(size); left > 0; left -= 32 << 10 {
				<-pace.C
				if _, err := io.CopyN(io.Discard, r.Body, 32<<10); err != nil {
					return false
				}
			}
			_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 0\r\n\r\n")
			return err == nil
		})
		b, err := New(t.Context(), Config{
			Endpoint: "http://" + addr, Bucket: "b", PathStyle: true, AccessKey: "a", SecretKey: "s", Checksum: None,
			Timeouts: Timeouts{Stall: 120 * time.Millisecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		if way == "sdk" {
			b.courier = nil
		}
		if _, err := b.UploadPart(t.Context(), someUpload, 1, size, io.LimitReader(endless{}, size)); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// The kind of a refusal decides whose fault it is.
func TestNamesRefused(t *testing.T) {
	isolate(t)
	for _, code := range []string{"KeyTooLongError", "InvalidURI", "XMinioInvalidObjectName", "XMinioInvalidResourceName"} {
		b := mustBothWays(t, Config{}, say(400, "<Error><Code>"+code+"</Code></Error>"))["direct"]
		for _, call := range everyCall {
			if strings.Contains("head, find, upload part from memory", call.name) {
				continue // TestHeadRefused
			}
			var invalid *upload.InvalidError
			if err := call.make(t.Context(), b); !errors.As(err, &invalid) {
				t.Errorf("%s of %s: got %v, want the name's fault", call.name, code, err)
			}
		}
	}
}
