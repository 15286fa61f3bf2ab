package proxy

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// OAuth 1 as old clients speak it (RFC 5849). Of a request it is only asked
// whether somebody known has signed it: nonces repeat and clocks are wrong
// among these clients, so neither is enforced (PROTOCOL 1.0), and tokens come
// from a file instead of the protocol's own dance.

// signerID names a consumer and a token of it; neither is secret.
type signerID struct{ consumer, token string }

// signer is what an account signs with.
type signer struct {
	consumerSecret, tokenSecret string
	account                     Account
}

// signed finds the account that signed a request; oauth holds the parameters
// of the signature, from wherever they came. For an unknown signer nothing is
// computed: the refusal leaves at the time of all refusals (identify), so that
// it does not tell who is known.
func (t *tokens) signed(r *http.Request, f form, oauth url.Values) (Account, error) {
	s, known := t.signers[signerID{first(oauth, "oauth_consumer_key"), first(oauth, "oauth_token")}]
	if !known {
		return Account{}, errUnauthorized
	}
	got, valid := first(oauth, "oauth_signature"), false
	switch first(oauth, "oauth_signature_method") {
	case "PLAINTEXT":
		valid = same(got, s.key())
	case "HMAC-SHA1":
		params := escape(normalized(covered(r, f, oauth)))
		// TLS may end in front of us, so which of the two the client saw is not known.
		valid = same(got, s.sign(baseString(r, "https", params))) || same(got, s.sign(baseString(r, "http", params)))
	}
	if !valid {
		return Account{}, errUnauthorized
	}
	return s.account, nil
}

// same compares secrets in a time that tells neither content nor length.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// parseOAuth reads the parameters of an Authorization header of scheme OAuth.
// Between them are commas, with or without a space; a value is quoted, and
// escaped or, with Ruby's and Perl's clients, not: `cs&as` for `cs%26as`.
func parseOAuth(header string) url.Values {
	params := url.Values{}
	for param := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if name == "realm" { // is not signed (RFC 5849, 3.4.1.3.1)
			continue
		}
		value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
		if plain, err := url.PathUnescape(value); err == nil { // where + is a plus
			value = plain
		}
		params.Add(name, value)
	}
	return params
}
