package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/golang-jwt/jwt/v5"
)

// JWTConfig says which JSON Web Tokens let in, and whom.
type JWTConfig struct {
	JWKS       string   // URL of the issuer's keys, by https, or by http on the loopback
	Issuer     string   // that iss has to name
	Audience   string   // that aud has to name, beside others
	Algorithms []string // that may sign: of SigningAlgorithms

	Owner     string // template of the owner: {claim} stands for a claim
	KeyPrefix string // template of the key prefix; in it {+claim} may have slashes, {claim} not
	Shared    bool   // the key prefix may have no claim: all holders have the same files
	Terms     string // claim whose text is as the fields behind a token; "": none

	Leeway  time.Duration // between the clocks, for exp and nbf
	Refresh time.Duration // how often the keys are fetched anew

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: slog.Default()
}

// SigningAlgorithms are those that a JWT may be signed with, all of them with a
// key pair: with HMAC whoever can check a token could make one, and an issuer's
// public key would be the secret.
var SigningAlgorithms = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// maxOwner bounds an owner in bytes: it becomes part of a key in Redis.
const maxOwner = 256

// JWT knows the accounts that an issuer vouches for. It is safe for concurrent use.
type JWT struct {
	cfg           JWTConfig
	parser        *jwt.Parser
	keys          *jwks
	owner, prefix template
}

// JWTError says which setting is wrong.
type JWTError struct {
	Field string // of JWTConfig
	Why   string
}

func (e *JWTError) Error() string { return e.Why }

// NewJWT makes a JWT, whose keys are fetched by Run. The error is a *JWTError.
func NewJWT(cfg JWTConfig) (*JWT, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	owner, wrongOwner := parseTemplate(cfg.Owner)
	prefix, wrongPrefix := parseTemplate(cfg.KeyPrefix)
	switch {
	case !safeURL(cfg.JWKS):
		return nil, &JWTError{"JWKS", "must be a URL with https, or with http on the loopback"}
	case cfg.Issuer == "":
		return nil, &JWTError{"Issuer", "must name who issues the tokens"}
	case cfg.Audience == "":
		return nil, &JWTError{"Audience", "must name us: the issuer's tokens for others must not count here"}
	case len(cfg.Algorithms) == 0 || slices.ContainsFunc(cfg.Algorithms, unsigned):
		return nil, &JWTError{"Algorithms", "must be of " + strings.Join(SigningAlgorithms, ", ")}
	case wrongOwner != nil:
		return nil, &JWTError{"Owner", wrongOwner.Error()}
	case len(owner.names) == 0:
		return nil, &JWTError{"Owner", "must have a {claim}, or all would be one owner"}
	case wrongPrefix != nil:
		return nil, &JWTError{"KeyPrefix", wrongPrefix.Error()}
	case len(prefix.names) == 0 && !cfg.Shared:
		return nil, &JWTError{"KeyPrefix", "must have a {claim}, or every JWT's holder could read and overwrite what the others have"}
	case !prefix.stays():
		return nil, &JWTError{"KeyPrefix", "must have no segment that is . or .."}
	}
	return &JWT{
		cfg: cfg, owner: owner, prefix: prefix,
		keys: newJWKS(cfg.JWKS, cfg.Log),
		parser: jwt.NewParser(
			jwt.WithValidMethods(cfg.Algorithms), jwt.WithIssuer(cfg.Issuer), jwt.WithAudience(cfg.Audience),
			jwt.WithExpirationRequired(), jwt.WithLeeway(cfg.Leeway), jwt.WithTimeFunc(cfg.Now),
		),
	}, nil
}

func unsigned(algorithm string) bool { return !slices.Contains(SigningAlgorithms, algorithm) }

// safeURL says whether nobody can come between us and the URL.
func safeURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return false
	}
	local := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// Run fetches the keys, again and again, until ctx ends. Until it has succeeded
// once, every JWT is answered upload.ErrUnavailable; later failures leave the keys
// there are.
func (j *JWT) Run(ctx context.Context) { j.keys.run(ctx, j.cfg.Refresh) }

// account finds whom a token lets in. ctx bounds waiting for a key that is not
// known yet. Errors: errUnauthorized and why, with nothing of the token in it;
// upload.ErrUnavailable.
func (j *JWT) account(ctx context.Context, token string) (Account, error) {
	claims := jwt.MapClaims{}
	_, err := j.parser.ParseWithClaims(token, claims, noneCritical(j.keys.keyfunc(ctx)))
	switch {
	case errors.Is(err, errNoKeys):
		return Account{}, errNoKeys
	case err != nil:
		return Account{}, refusal(flaw(err))
	}
	a, err := j.vouchedFor(claims)
	if err != nil {
		return Account{}, refusal(err)
	}
	return a, nil
}

// noneCritical refuses a token whose header lists extensions that must be
// understood: none is (RFC 7515, section 4.1.11), and the library passes over them.
func noneCritical(key jwt.Keyfunc) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		if _, there := t.Header["crit"]; there {
			return nil, errors.New("token has a critical extension")
		}
		return key(t)
	}
}

// refusal is errUnauthorized with a reason for the log. The reason is not
// wrapped: to the client, whatever else it would mean, it is the one refusal.
func refusal(why error) error { return fmt.Errorf("%w: %v", errUnauthorized, why) }

// vouchedFor reads the account out of claims that were checked.
func (j *JWT) vouchedFor(claims jwt.MapClaims) (a Account, err error) {
	if a.Owner, err = j.owner.expand(claims); err != nil {
		return Account{}, fmt.Errorf("owner: %w", err)
	}
	if len(a.Owner) > maxOwner || strings.ContainsFunc(a.Owner, unicode.IsControl) {
		return Account{}, errors.New("owner is too long, or has a control character")
	}
	prefix, err := j.prefix.expand(claims)
	if err == nil && prefix != "" {
		a.Prefix, err = parsePrefix(prefix)
	}
	if err == nil && a.Prefix == "" && len(j.prefix.names) > 0 {
		err = errors.New("is all of the bucket") // by {+claim} that is a slash
	}
	if err != nil {
		return Account{}, fmt.Errorf("key prefix: %w", err)
	}
	switch terms := claims[j.cfg.Terms].(type) {
	case nil:
	case string:
		err = a.parseTerms(strings.Fields(terms))
	default:
		err = errors.New("no text")
	}
	if err != nil {
		return Account{}, fmt.Errorf("claim %s: %w", j.cfg.Terms, err)
	}
	return a, nil
}

// flaw is what is wrong with a token, without what the library quotes of it.
func flaw(err error) error {
	for _, known := range []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenUnverifiable, jwt.ErrTokenExpired,
		jwt.ErrTokenNotValidYet, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenInvalidAudience, jwt.ErrTokenRequiredClaimMissing,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	return errors.New("token is not valid")
}
