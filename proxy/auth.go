package proxy

import (
	"crypto/sha256"
	"net/http"
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
	anyone   bool
}

// Anyone lets everybody in, as one and the same owner.
func Anyone() *Authenticator { return &Authenticator{anyone: true} }

// authenticated lets a handler have only requests of a known account.
func (s *Server) authenticated(h func(*request) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.(*request)
		account, ok := s.cfg.Auth.account(r.Request())
		if !ok {
			return errUnauthorized
		}
		r.account = account
		return h(r)
	}
}

// account finds whose request it is. Why it is nobody's is not told.
func (a *Authenticator) account(r *http.Request) (Account, bool) {
	if a == nil {
		return Account{}, false
	}
	if a.anyone {
		return Account{Owner: "anyone"}, true
	}
	account, ok := a.accounts[sha256.Sum256([]byte(token(r)))]
	return account, ok
}

// token is the bearer token of a request: in its header or, from clients that
// cannot set one, in the query (PROTOCOL 1.0).
func token(r *http.Request) string {
	scheme, value, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(value)
	}
	return first(r.URL.Query(), "access_token")
}
