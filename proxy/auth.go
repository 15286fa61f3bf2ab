package proxy

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
)

// Authenticator knows who may come in. It is safe for concurrent use. The zero
// value lets nobody in.
type Authenticator struct {
	tokens atomic.Pointer[tokens] // of the file; nil: none
	jwt    *JWT                   // nil: none
	anyone bool

	keyPrefix, stagingPrefix string
}

// Anyone lets everybody in, as one and the same owner.
func Anyone() *Authenticator { return &Authenticator{anyone: true} }

// TrustJWT also lets in whom j knows. It is to be called before the first request.
func (a *Authenticator) TrustJWT(j *JWT) { a.jwt = j }

// account finds whose request it is. Why it is nobody's is for the log alone.
// A header that says who asks counts alone; clients that cannot set one use
// parameters. Errors: errUnauthorized; upload.ErrUnavailable when nothing can
// be said of a JWT, since its issuer's keys have never been had.
func (a *Authenticator) account(ctx context.Context, r *http.Request, f form) (Account, error) {
	if a == nil {
		return Account{}, errUnauthorized
	}
	if a.anyone {
		return Account{Owner: "anyone"}, nil
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return a.bearer(ctx, strings.TrimSpace(value))
	}
	// Whoever asks is a stranger so far: what it costs to find out is bounded.
	if tooMany(r.URL.RawQuery, "&") || tooMany(value, ",") {
		return Account{}, refusal(errors.New("too many parameters"))
	}
	params := merged(r.URL.Query(), f.fields)
	switch {
	case strings.EqualFold(scheme, "OAuth"):
		return a.known().signed(r, f, parseOAuth(value))
	case first(params, "access_token") != "":
		return a.bearer(ctx, first(params, "access_token"))
	}
	return a.known().signed(r, f, onlyOAuth(params))
}

// bearer finds the account of a token, of the file or of an issuer.
func (a *Authenticator) bearer(ctx context.Context, token string) (Account, error) {
	if account, ok := a.known().accounts[sha256.Sum256([]byte(token))]; ok {
		return account, nil
	}
	if a.jwt == nil || strings.Count(token, ".") != 2 {
		return Account{}, errUnauthorized
	}
	account, err := a.jwt.account(ctx, token)
	if err != nil {
		return Account{}, err
	}
	if err := a.allows(account.Prefix); err != nil {
		return Account{}, refusal(fmt.Errorf("key prefix: %w", err))
	}
	return account, nil
}

// onlyOAuth picks the parameters of OAuth's own.
func onlyOAuth(params url.Values) url.Values {
	own := url.Values{}
	for name, values := range params {
		if strings.HasPrefix(name, "oauth_") {
			own[name] = values
		}
	}
	return own
}
