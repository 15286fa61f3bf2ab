package proxy

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// Account is on whose behalf a request comes.
type Account struct {
	Owner  string // of the uploads it opens
	Prefix string // of the keys it may name; empty or ending in "/"
}

// Authenticator knows who may come in. It is safe for concurrent use.
type Authenticator struct {
	// By the token's SHA-256. Go seeds its maps' hashes at random, so the time
	// of a lookup tells nothing about a digest, and a digest nothing about a token.
	accounts map[[sha256.Size]byte]Account
	signers  map[signerID]signer // that sign by OAuth 1
	anyone   bool
}

// Anyone lets everybody in, as one and the same owner.
func Anyone() *Authenticator { return &Authenticator{anyone: true} }

// authenticated lets a handler have only requests of a known account. The body
// is not looked at: clients label a file's raw bytes as a form (PROTOCOL 1.0).
func (s *Server) authenticated(h func(*request) error) echo.HandlerFunc {
	return s.admitted(h, func(*request) (form, error) { return form{}, nil })
}

// authenticatedByForm is authenticated for handlers of requests whose
// parameters, and so what proves the account, may come in a form in the body.
func (s *Server) authenticatedByForm(h func(*request) error) echo.HandlerFunc {
	return s.admitted(h, (*request).form)
}

func (s *Server) admitted(h func(*request) error, read func(*request) (form, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.(*request)
		f, err := read(r)
		if err != nil {
			return err
		}
		account, ok := s.cfg.Auth.account(r.Request(), f)
		if !ok {
			return errUnauthorized
		}
		r.account = account
		return h(r)
	}
}

// account finds whose request it is. Why it is nobody's is not told. A header
// that says who asks counts alone; clients that cannot set one use parameters.
func (a *Authenticator) account(r *http.Request, f form) (Account, bool) {
	if a == nil {
		return Account{}, false
	}
	if a.anyone {
		return Account{Owner: "anyone"}, true
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	params := merged(r.URL.Query(), f.fields)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return a.bearer(strings.TrimSpace(value))
	case strings.EqualFold(scheme, "OAuth"):
		return a.signed(r, f, parseOAuth(value))
	case first(params, "access_token") != "":
		return a.bearer(first(params, "access_token"))
	}
	return a.signed(r, f, onlyOAuth(params))
}

// bearer finds the account of a token.
func (a *Authenticator) bearer(token string) (Account, bool) {
	account, ok := a.accounts[sha256.Sum256([]byte(token))]
	return account, ok
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
