package proxy

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// issuer issues JWTs and serves its keys.
type issuer struct {
	url string

	mu      sync.Mutex
	keys    []jwkset.JWKMarshal
	body    []byte // instead of the keys
	status  int    // instead of 200
	fetches int
}

func newIssuer(tb testing.TB) *issuer {
	tb.Helper()
	i := &issuer{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.fetches++
		if i.status != 0 {
			w.WriteHeader(i.status)
			return
		}
		body := i.body
		if body == nil {
			body, _ = json.Marshal(jwkset.JWKSMarshal{Keys: i.keys})
		}
		_, _ = w.Write(body)
	}))
	tb.Cleanup(s.Close)
	i.url = s.URL
	return i
}

// with changes what is served.
func (i *issuer) with(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) fetched() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// publish adds a key to those that are served.
func (i *issuer) publish(tb testing.TB, kid string, public crypto.PublicKey) {
	tb.Helper()
	key, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: kid}, Marshal: jwkset.JWKMarshalOptions{Private: true},
	})
	if err != nil {
		tb.Fatal(err)
	}
	i.with(func() { i.keys = append(i.keys, key.Marshal()) })
}

var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader); return k })
)

// testNow is the time of all tests with JWTs.
var testNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func jwtConfig(i *issuer) JWTConfig {
	return JWTConfig{
		JWKS: i.url, Issuer: "https://issuer", Audience: "chunkgate", Algorithms: []string{"RS256"},
		Owner: "{sub}", KeyPrefix: "{sub}/", Terms: "chunkgate", Leeway: 30 * time.Second, Refresh: time.Hour,
		Now: func() time.Time { return testNow }, Log: slog.New(slog.DiscardHandler),
	}
}

// trusting is an Authenticator of an issuer whose keys were fetched.
func trusting(tb testing.TB, cfg JWTConfig) (*Authenticator, *JWT) {
	tb.Helper()
	j, err := NewJWT(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	if err := j.keys.fetch(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	a := mustTokens(tb, tokensFile)
	a.TrustJWT(j)
	return a, j
}

// claims are good ones with changes; nil takes one away.
func claims(change jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "https://issuer", "aud": "chunkgate", "sub": "eve", "exp": testNow.Add(time.Minute).Unix()}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign makes a token.
func sign(tb testing.TB, method jwt.SigningMethod, kid string, key any, c jwt.MapClaims) string {
	tb.Helper()
	t := jwt.NewWithClaims(method, c)
	if kid != "" {
		t.Header["kid"] = kid
	}
	s, err := t.SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// signWith makes a good token with more in its header.
func signWith(tb testing.TB, header map[string]any, c jwt.MapClaims) string {
	tb.Helper()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	t.Header["kid"] = "k1"
	maps.Copy(t.Header, header)
	s, err := t.SignedString(rsaKey())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
