package proxy

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/chunkgate/chunkgate/upload"
)

// What is in a token decides whose request it is, and what may be done.
func TestJWTAccount(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	tests := map[string]struct {
		owner, prefix string // templates
		change        jwt.MapClaims
		want          Account
	}{
		"usual":     {"{sub}", "{sub}/", nil, Account{Owner: "eve", Prefix: "eve/"}},
		"templates": {"jwt:{tenant}.{sub}", "t/{tenant}/{sub}", jwt.MapClaims{"tenant": "acme"}, Account{Owner: "jwt:acme.eve", Prefix: "t/acme/eve/"}},
		"path":      {"{sub}", "{+home}", jwt.MapClaims{"home": "a//b/c/"}, Account{Owner: "eve", Prefix: "a/b/c/"}},
		"whole":     {"{sub}", "", nil, Account{Owner: "eve"}},
		"audiences": {"{sub}", "{sub}/", jwt.MapClaims{"aud": []string{"x", "chunkgate"}}, Account{Owner: "eve", Prefix: "eve/"}},
		"leeway":    {"{sub}", "{sub}/", jwt.MapClaims{"exp": testNow.Add(-29 * time.Second).Unix(), "nbf": testNow.Add(29 * time.Second).Unix()}, Account{Owner: "eve", Prefix: "eve/"}},
		"terms": {"{sub}", "{sub}/", jwt.MapClaims{"chunkgate": "access=write-only max-object=2GiB max-rate=0"},
			Account{Owner: "eve", Prefix: "eve/", Access: WriteOnly, Limits: Limits{MaxObject: 2 << 30, MaxRate: NoLimit}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := jwtConfig(i)
			cfg.Owner, cfg.KeyPrefix, cfg.Shared = test.owner, test.prefix, !strings.Contains(test.prefix, "{")
			a, _ := trusting(t, cfg)
			got, err := a.bearer(t.Context(), sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(test.change)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("account (-want +got):\n%s", diff)
			}
		})
	}
}

// refusedTokens are the ways in which a bearer token can be wrong.
func refusedTokens(t *testing.T) map[string]string {
	t.Helper()
	good := sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(nil))
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	asSecret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	changed := func(change jwt.MapClaims) string {
		return sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(change))
	}
	parts := strings.Split(good, ".")
	return map[string]string{
		"unknown":            "hunter2",
		"empty":              "",
		"malformed":          "a.b.c",
		"malformed claims":   parts[0] + ".e30x." + parts[2],
		"expired":            changed(jwt.MapClaims{"exp": testNow.Add(-31 * time.Second).Unix()}),
		"without expiry":     changed(jwt.MapClaims{"exp": nil}),
		"not yet":            changed(jwt.MapClaims{"nbf": testNow.Add(31 * time.Second).Unix()}),
		"other audience":     changed(jwt.MapClaims{"aud": "others"}),
		"no audience":        changed(jwt.MapClaims{"aud": nil}),
		"other issuer":       changed(jwt.MapClaims{"iss": "https://issuer/"}),
		"no issuer":          changed(jwt.MapClaims{"iss": nil}),
		"no owner":           changed(jwt.MapClaims{"sub": nil}),
		"owner no text":      changed(jwt.MapClaims{"sub": 7}),
		"owner too long":     changed(jwt.MapClaims{"sub": strings.Repeat("x", maxOwner+1)}),
		"owner with control": changed(jwt.MapClaims{"sub": "a\nb"}),
		"prefix upwards":     changed(jwt.MapClaims{"sub": ".."}),
		"prefix with slash":  changed(jwt.MapClaims{"sub": "a/b"}),
		"terms unknown":      changed(jwt.MapClaims{"chunkgate": "admin=true"}),
		"terms no text":      changed(jwt.MapClaims{"chunkgate": map[string]any{"max-rate": 1}}),
		"signature cut":      strings.TrimSuffix(good, good[len(good)-4:]),
		"signature changed":  parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"claims changed":     parts[0] + "." + strings.Split(changed(jwt.MapClaims{"sub": "ada"}), ".")[1] + "." + parts[2],
		"other key":          sign(t, jwt.SigningMethodRS256, "k1", otherRSA(), claims(nil)),
		"unknown key":        sign(t, jwt.SigningMethodRS256, "k9", rsaKey(), claims(nil)),
		"no key named":       sign(t, jwt.SigningMethodRS256, "", rsaKey(), claims(nil)),
		"none":               sign(t, jwt.SigningMethodNone, "k1", jwt.UnsafeAllowNoneSignatureType, claims(nil)),
		"HMAC by public key": sign(t, jwt.SigningMethodHS256, "k1", asSecret, claims(nil)),
		"HMAC by a set's":    sign(t, jwt.SigningMethodHS256, "hmac", []byte("secret"), claims(nil)),
		"other algorithm":    sign(t, jwt.SigningMethodRS512, "k1", rsaKey(), claims(nil)),
		"critical header":    signWith(t, map[string]any{"crit": []string{"exp"}}, claims(nil)),
		"empty crit":         signWith(t, map[string]any{"crit": []string{}}, claims(nil)),
		"other kind of key":  sign(t, jwt.SigningMethodES256, "e1", ecKey(), claims(nil)),
	}
}

func TestJWTRefused(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	i.publish(t, "e1", ecKey().Public())
	i.publish(t, "hmac", []byte("secret"))
	a, _ := trusting(t, jwtConfig(i))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // nobody fetches
	defer cancel()
	for name, token := range refusedTokens(t) {
		got, err := a.bearer(ctx, token)
		if !errors.Is(err, errUnauthorized) || got != (Account{}) {
			t.Errorf("%s: got %+v, %v", name, got, err)
			continue
		}
		for _, part := range strings.Split(token, ".") {
			if len(part) > 1 && strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error quotes the token: %v", name, err)
			}
		}
	}
	if _, err := a.bearer(ctx, sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(nil))); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if got, err := a.bearer(ctx, testToken); err != nil || got.Owner != "ada" {
		t.Errorf("the file's token: got %+v, %v", got, err)
	}
}

// Every algorithm that may be set works with its kind of key.
func TestJWTAlgorithms(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "e1", ecKey().Public())
	cfg := jwtConfig(i)
	cfg.Algorithms = []string{"ES256", "RS256"}
	a, _ := trusting(t, cfg)
	if got, err := a.bearer(t.Context(), sign(t, jwt.SigningMethodES256, "e1", ecKey(), claims(nil))); err != nil || got.Owner != "eve" {
		t.Errorf("ES256: got %+v, %v", got, err)
	}
	for _, name := range SigningAlgorithms {
		method := jwt.GetSigningMethod(name)
		if _, hmac := method.(*jwt.SigningMethodHMAC); method == nil || hmac || name == "none" {
			t.Errorf("%s is not the name of an algorithm with a key pair", name)
		}
	}
}

func TestJWTSettings(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*JWTConfig)
		field  string
	}{
		"plain http":  {func(c *JWTConfig) { c.JWKS = "http://issuer/keys" }, "JWKS"},
		"no host":     {func(c *JWTConfig) { c.JWKS = "https:///keys" }, "JWKS"},
		"file":        {func(c *JWTConfig) { c.JWKS = "file:///keys" }, "JWKS"},
		"issuer":      {func(c *JWTConfig) { c.Issuer = "" }, "Issuer"},
		"audience":    {func(c *JWTConfig) { c.Audience = "" }, "Audience"},
		"none":        {func(c *JWTConfig) { c.Algorithms = []string{"RS256", "none"} }, "Algorithms"},
		"HMAC":        {func(c *JWTConfig) { c.Algorithms = []string{"HS256"} }, "Algorithms"},
		"nothing":     {func(c *JWTConfig) { c.Algorithms = nil }, "Algorithms"},
		"brace":       {func(c *JWTConfig) { c.Owner = "{sub" }, "Owner"},
		"empty claim": {func(c *JWTConfig) { c.Owner = "{}" }, "Owner"},
		"stray brace": {func(c *JWTConfig) { c.Owner = "{sub}}" }, "Owner"},
		"one for all": {func(c *JWTConfig) { c.Owner = "jwt" }, "Owner"},
		"prefix":      {func(c *JWTConfig) { c.KeyPrefix = "{a{b}}" }, "KeyPrefix"},
		"no prefix":   {func(c *JWTConfig) { c.KeyPrefix = "" }, "KeyPrefix"},
		"the bucket":  {func(c *JWTConfig) { c.KeyPrefix = "/" }, "KeyPrefix"},
		"no claim":    {func(c *JWTConfig) { c.KeyPrefix = "team/" }, "KeyPrefix"},
		"upwards":     {func(c *JWTConfig) { c.KeyPrefix = "{sub}/../" }, "KeyPrefix"},
	} {
		cfg := jwtConfig(&issuer{url: "https://issuer/keys"})
		test.change(&cfg)
		var wrong *JWTError
		if _, err := NewJWT(cfg); !errors.As(err, &wrong) || wrong.Field != test.field {
			t.Errorf("%s: got %v, want it to be about %s", name, err, test.field)
		}
	}
	for _, url := range []string{"https://issuer/keys", "http://localhost:1/keys", "http://[::1]/keys"} {
		if _, err := NewJWT(jwtConfig(&issuer{url: url})); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	shared := jwtConfig(&issuer{url: "https://issuer/keys"})
	shared.Shared = true
	for _, shared.KeyPrefix = range []string{"", "/", "team/"} {
		if _, err := NewJWT(shared); err != nil {
			t.Errorf("shared %q: %v", shared.KeyPrefix, err)
		}
	}
}

// Whatever an issuer writes into a claim with slashes, its holder stays out of
// the root, of folders above, and of what the engine keeps.
func TestJWTPrefixStays(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	cfg := jwtConfig(i)
	cfg.KeyPrefix = "{+path}"
	a, _ := trusting(t, cfg)
	a.Reserve("all/", "all/.chunkgate/")
	for path, ok := range map[string]bool{
		"a/b": true, "/": false, "//": false, "..": false, "../a": false, "a/../b": false, "./a": false, "a/..": false,
		".chunkgate": false, ".chunkgate/x": false, "/.chunkgate/": false, ".chunkgates": true,
	} {
		token := sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(jwt.MapClaims{"path": path}))
		if got, err := a.bearer(t.Context(), token); (err == nil) != ok || !ok && !errors.Is(err, errUnauthorized) {
			t.Errorf("%q: got %+v, %v", path, got, err)
		}
	}
}

// An issuer that has never answered makes no refusals: nothing can be said.
func TestJWTWithoutKeys(t *testing.T) {
	i := newIssuer(t)
	j, err := NewJWT(jwtConfig(i))
	if err != nil {
		t.Fatal(err)
	}
	a := mustTokens(t, tokensFile)
	a.TrustJWT(j)
	s := start(t, &fakeEngine{append: take}, func(c *Config) { c.Auth = a })
	ask := func(token string) answer {
		return s.send(t, "PUT /1/chunked_upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\nContent-Length: 1\r\n\r\nx")
	}
	token := sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(nil))
	if got := ask(token); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("JWT: got %d %s, want 503 with Retry-After", got.status, got.body)
	}
	if got := ask(testToken); got.status != 200 {
		t.Errorf("the file's token: got %d %s, want 200", got.status, got.body)
	}
	if _, err := a.bearer(t.Context(), "opaque"); errors.Is(err, upload.ErrUnavailable) {
		t.Errorf("an unknown token: got %v, want a refusal", err)
	}
}
