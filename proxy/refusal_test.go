package proxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/chunkgate/chunkgate/upload"
)

// Whatever is wrong, the refusal is the same to the byte: status line, header
// but for the date, and body.
func TestEveryRefusalIsTheSame(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	i.publish(t, "e1", ecKey().Public())
	i.publish(t, "hmac", []byte("secret"))
	a, _ := trusting(t, jwtConfig(i))
	if _, err := a.Reload([]byte(signersFile)); err != nil {
		t.Fatal(err)
	}
	s := start(t, &fakeEngine{}, func(c *Config) { c.Auth = a })

	headers := map[string]string{
		"nothing":         "",
		"no scheme":       "Authorization: tok-4f1c\r\n",
		"other scheme":    "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("tok-4f1c:")) + "\r\n",
		"OAuth, unknown":  "Authorization: OAuth oauth_consumer_key=\"x\", oauth_token=\"tok\", oauth_signature_method=\"PLAINTEXT\", oauth_signature=\"sec&toksec\"\r\n",
		"OAuth, wrong":    "Authorization: OAuth oauth_consumer_key=\"key\", oauth_token=\"tok\", oauth_signature_method=\"PLAINTEXT\", oauth_signature=\"sec&x\"\r\n",
		"OAuth, HMAC":     "Authorization: OAuth oauth_consumer_key=\"key\", oauth_token=\"tok\", oauth_signature_method=\"HMAC-SHA1\", oauth_signature=\"x\"\r\n",
		"OAuth, method":   "Authorization: OAuth oauth_consumer_key=\"key\", oauth_token=\"tok\", oauth_signature_method=\"RSA-SHA1\", oauth_signature=\"x\"\r\n",
		"OAuth, nonsense": "Authorization: OAuth ,,=\"\r\n",
	}
	for name, token := range refusedTokens(t) {
		headers[name] = "Authorization: Bearer " + token + "\r\n"
	}
	requests := map[string]string{}
	for name, header := range headers {
		requests[name] = "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\n" + header + "Content-Length: 3\r\n\r\nabc"
	}
	for name, token := range refusedTokens(t) {
		requests["query, "+name] = "PUT /1/chunked_upload?access_token=" + token + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
	}
	const form = "POST /1/commit_chunked_upload/auto/x HTTP/1.1\r\nHost: x\r\nContent-Type: "
	requests["form"] = form + "application/x-www-form-urlencoded\r\nContent-Length: 14\r\n\r\naccess_token=x"
	requests["malformed form"] = form + "multipart/form-data\r\nContent-Length: 3\r\n\r\nabc"
	requests["reading"] = "GET /1/account/info HTTP/1.1\r\nHost: x\r\n\r\n"

	own := regexp.MustCompile(`(?m)^(Date|X-Request-Id): .*$`) // of every answer, whatever it says
	want := ""
	for name, raw := range requests {
		got := own.ReplaceAllString(s.raw(t, raw), "$1: …")
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, want)
		}
	}
	if !regexp.MustCompile(`^HTTP/1\.1 401 Unauthorized\r\n(?s:.*)\r\n\r\n\{"error": "[^"]+"\}$`).MatchString(want) {
		t.Errorf("the refusal is %q", want)
	}
}

// A refusal leaves after RefuseAfter, however soon it was certain, and also when
// the client seems to have left: it may read on. Who is known does not wait.
func TestRefusalTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Auth: mustTokens(t, tokensFile), RefuseAfter: 250 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		for _, ctx := range []context.Context{t.Context(), ended()} {
			for token, want := range map[string]time.Duration{testToken: 0, "unknown": s.cfg.RefuseAfter, "": s.cfg.RefuseAfter} {
				began := time.Now()
				got := statusOf(s, accountInfo(t, token).WithContext(ctx))
				if status := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[want == 0]; got != status {
					t.Errorf("%q: got %d, want %d", token, got, status)
				}
				if took := time.Since(began); took != want {
					t.Errorf("%q, %v: answered after %v, want %v", token, ctx.Err(), took, want)
				}
			}
		}
		s.Halt()
		began := time.Now()
		if got := statusOf(s, accountInfo(t, "unknown")); got != http.StatusUnauthorized || time.Since(began) != 0 {
			t.Errorf("while the server stops: got %d after %v", got, time.Since(began))
		}
	})
}

func accountInfo(t *testing.T, token string) *http.Request {
	t.Helper()
	return mustRequest(t, "GET /1/account/info HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\n\r\n")
}

// Guessing is no faster for a client that ends its side of the connection
// behind the request, or sends bytes there that are no request: net/http then
// takes it for one that left.
func TestRefusalOfOneThatEndsItsSide(t *testing.T) {
	s := start(t, &fakeEngine{}, func(c *Config) { c.RefuseAfter = 250 * time.Millisecond })
	const get = "GET /1/account/info HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer guess\r\n"
	for name, raw := range map[string]string{
		"no body":                 get + "\r\n",
		"body":                    get + "Content-Length: 3\r\n\r\nabc",
		"bytes behind no body":    get + "\r\nabc\n",
		"bytes behind a body":     get + "Content-Length: 3\r\n\r\nabcabc\n",
		"half a request behind":   get + "\r\nGET /1/account/info HT",
		"another request behind":  get + "\r\n" + get + "\r\n",
		"form without its length": strings.Replace(get, "GET /1/account/info", "POST /1/commit_chunked_upload/auto/x", 1) + "\r\nabc\n",
	} {
		for _, fin := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, FIN %t", name, fin), func(t *testing.T) {
				t.Parallel()
				c, began := s.dial(t), time.Now()
				if _, err := io.WriteString(c, raw); err != nil {
					t.Fatal(err)
				}
				if fin {
					if err := c.(*net.TCPConn).CloseWrite(); err != nil {
						t.Fatal(err)
					}
				}
				got := mustAnswer(t, bufio.NewReader(c))
				if took := time.Since(began); got.status != http.StatusUnauthorized || took < s.cfg.RefuseAfter {
					t.Errorf("got %d %s after %v, want 401 after %v at least", got.status, got.body, took, s.cfg.RefuseAfter)
				}
			})
		}
	}
}

// A client that ends its side is told no other thing of its JWT: it may be
// signed with a key that is just being fetched.
func TestKeyIsAwaitedForOneThatEndsItsSide(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	a, j := trusting(t, jwtConfig(i))
	known, _ := j.keys.current()
	token := sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(nil))
	synctest.Test(t, func(t *testing.T) {
		j.keys = newJWKS(i.url, j.cfg.Log)
		j.keys.get = func(ctx context.Context) (keyfunc.Keyfunc, error) {
			pause(ctx, 50*time.Millisecond, nil)
			return known, nil
		}
		go j.Run(t.Context())
		s := New(Config{Auth: a, Log: slog.New(slog.DiscardHandler)})
		if got := statusOf(s, accountInfo(t, token).WithContext(ended())); got != http.StatusOK {
			t.Errorf("got %d, want 200", got)
		}
	})
}

// What an account may not do is 403, and nothing of it is done.
func TestAccess(t *testing.T) {
	const only = "sha256:dd99988497dabb68701e83597497dd40564ef53e193241c8f0b24680b0e1a059 ada ada/ access="
	targets := map[string]need{
		"PUT /1/chunked_upload": writes, "POST /1/chunked_upload": writes, "GET /1/chunked_upload": writes,
		"DELETE /1/chunked_upload": writes, "POST /1/commit_chunked_upload/auto/x": writes, "PUT /1/files_put/auto/x": writes,
		"POST /1/fileops/create_folder": writes, "POST /1/fileops/delete": writes,
		"GET /1/files/auto/x": reads, "HEAD /1/files/auto/x": reads, "GET /1/metadata/auto/x": reads, "POST /1/delta": reads,
		"GET /1/account/info": looks,
	}
	for access, refused := range map[string]need{"read-only": writes, "write-only": reads, "read-write": -1} {
		s := start(t, &fakeEngine{append: take}, func(c *Config) { c.Auth = mustTokens(t, only+access) })
		for target, n := range targets {
			got := s.send(t, target+" HTTP/1.1\r\nHost: x\r\n"+bearer+"\r\n")
			if forbidden := got.status == http.StatusForbidden; forbidden != (n == refused) {
				t.Errorf("%s, %s: got %d %s", access, target, got.status, got.body)
			}
		}
	}
}

// Every error of admission is an object with error and without offset, and says
// when to come again where that helps.
func TestAdmissionErrors(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		again  bool
	}{
		"forbidden": {errForbidden, 403, false},
		"too fast":  {errTooFast, 429, true},
		"greedy":    {errGreedy, 429, true},
		"heavy":     {errHeavy, 429, true},
		"full":      {errFull, 503, true},
		"quota":     {upload.ErrQuota, 507, false},
		"too large": {upload.ErrTooLarge, 413, false},
	} {
		got := start(t, refuse(test.err)).call(t, "PUT", "/1/chunked_upload", "Content-Length: 3\r\n", "abc")
		if got.status != test.status || (got.header.Get("Retry-After") != "") != test.again {
			t.Errorf("%s: got %d %s, Retry-After %q", name, got.status, got.body, got.header.Get("Retry-After"))
		}
		if !regexp.MustCompile(`^\{"error": "[^"]+"\}$`).MatchString(got.body) {
			t.Errorf("%s: the body is %s", name, got.body)
		}
	}
}
