package main

import (
	"time"
)

// authSettings are who may come in.
type authSettings struct {
	TokensFile     string        `env:"CHUNKGATE_TOKENS_FILE" help:"Who may come in, a line each: sha256:<hex of a bearer token's SHA-256> <owner> <key prefix>, or oauth1:<consumer key>:<consumer secret>:<token>:<token secret> and the same; limits may follow."`
	TokensReload   time.Duration `default:"10s" env:"CHUNKGATE_TOKENS_RELOAD" help:"How often the tokens file is looked at for changes; a broken one leaves the tokens there are; 0: never."`
	InsecureNoAuth bool          `env:"CHUNKGATE_INSECURE_NO_AUTH" help:"DANGER: serve anybody. For a trusted network or a first try only."`

	JWKSURL       string        `name:"jwt-jwks-url" env:"CHUNKGATE_JWT_JWKS_URL" help:"URL of the keys of an issuer whose JWTs let in, beside or instead of the tokens file; https, or http on the loopback; empty: no JWT does."`
	JWTIssuer     string        `name:"jwt-issuer" env:"CHUNKGATE_JWT_ISSUER" help:"What iss of a JWT must be."`
	JWTAudience   string        `name:"jwt-audience" env:"CHUNKGATE_JWT_AUDIENCE" help:"What aud of a JWT must be, or have among others."`
	JWTAlgorithms []string      `name:"jwt-algorithms" default:"RS256" env:"CHUNKGATE_JWT_ALGORITHMS" help:"Comma-separated algorithms that may sign a JWT: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA."`
	JWTOwner      string        `name:"jwt-owner" default:"{sub}" env:"CHUNKGATE_JWT_OWNER" help:"Owner of what a JWT's holder uploads; {claim} stands for a claim."`
	JWTKeyPrefix  string        `name:"jwt-key-prefix" default:"{sub}/" env:"CHUNKGATE_JWT_KEY_PREFIX" help:"Key prefix of a JWT's holder, such as {tenant}/{sub}/; {claim} must have no slash, {+claim} may."`
	JWTShared     bool          `name:"insecure-jwt-shared-prefix" env:"CHUNKGATE_INSECURE_JWT_SHARED_PREFIX" help:"DANGER: allow CHUNKGATE_JWT_KEY_PREFIX without a {claim}: everybody with a JWT of the issuer reads and overwrites the files of all."`
	JWTTerms      string        `name:"jwt-limits-claim" env:"CHUNKGATE_JWT_LIMITS_CLAIM" help:"Claim with limits in the form of the tokens file, such as max-object=1GiB access=read-only; empty: none."`
	JWTLeeway     time.Duration `name:"jwt-leeway" default:"30s" env:"CHUNKGATE_JWT_LEEWAY" help:"How far the issuer's clock and ours may be apart."`
	JWTRefresh    time.Duration `name:"jwt-refresh" default:"15m" env:"CHUNKGATE_JWT_REFRESH" help:"How often the issuer's keys are fetched anew; a key that is not known is asked for at once."`
}

func (a *authSettings) validate() error {
	for _, c := range []struct {
		env   string
		wrong bool
		why   string
	}{
		{"CHUNKGATE_TOKENS_FILE", a.TokensFile == "" && a.JWKSURL == "" && !a.InsecureNoAuth, "must name the file of tokens, or CHUNKGATE_JWT_JWKS_URL an issuer's keys; without either anybody could write here, which --insecure-no-auth allows"},
		{"CHUNKGATE_TOKENS_FILE", a.TokensFile != "" && a.InsecureNoAuth, "is set, but --insecure-no-auth is, too: take one away"},
		{"CHUNKGATE_JWT_JWKS_URL", a.JWKSURL != "" && a.InsecureNoAuth, "is set, but --insecure-no-auth is, too: take one away"},
		{"CHUNKGATE_JWT_JWKS_URL", a.JWKSURL == "" && a.JWTIssuer+a.JWTAudience != "", "must name the keys of CHUNKGATE_JWT_ISSUER"},
		{"CHUNKGATE_TOKENS_RELOAD", a.TokensReload != 0 && a.TokensReload < time.Second, "must be 0 or at least 1s"},
		{"CHUNKGATE_JWT_LEEWAY", a.JWTLeeway < 0 || a.JWTLeeway > 10*time.Minute, "must be from 0s to 10m"},
		{"CHUNKGATE_JWT_REFRESH", a.JWTRefresh < 10*time.Second, "must be at least 10s"},
	} {
		if c.wrong {
			return &settingError{c.env, c.why}
		}
	}
	return nil
}
