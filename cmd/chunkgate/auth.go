package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/chunkgate/chunkgate/proxy"
)

// guard is who may come in, and what keeps that up to date.
type guard struct {
	auth  *proxy.Authenticator
	tasks []func(context.Context) // each runs until its context ends
}

// run keeps the guard up to date until stop is called.
func (g *guard) run(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, task := range g.tasks {
		running.Go(func() { task(ctx) })
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// guard reads the tokens file and the settings of JWTs, or lets everybody in
// when told to. An issuer that cannot be reached does not stop the start, or
// no proxy could be started while it is down: its keys are fetched beside.
// failed is told when the tokens file cannot be read anew.
func (s *settings) guard(ctx context.Context, failed func(), log *slog.Logger) (*guard, error) {
	a := &s.Auth
	if a.InsecureNoAuth {
		log.Warn("NO AUTHENTICATION: anybody who reaches this server can write to the bucket")
		return &guard{auth: proxy.Anyone()}, nil
	}
	g := &guard{auth: new(proxy.Authenticator)}
	g.auth.Reserve(s.KeyPrefix, s.StagingPrefix)
	if a.TokensFile != "" {
		if err := a.addTokens(ctx, g, failed, log); err != nil {
			return nil, err
		}
	}
	if a.JWKSURL != "" {
		if err := a.addJWT(g, log); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// jwtSettings are what a proxy.JWTError may be about.
var jwtSettings = map[string]string{
	"JWKS": "CHUNKGATE_JWT_JWKS_URL", "Issuer": "CHUNKGATE_JWT_ISSUER", "Audience": "CHUNKGATE_JWT_AUDIENCE",
	"Algorithms": "CHUNKGATE_JWT_ALGORITHMS", "Owner": "CHUNKGATE_JWT_OWNER", "KeyPrefix": "CHUNKGATE_JWT_KEY_PREFIX",
}

func (a *authSettings) addJWT(g *guard, log *slog.Logger) error {
	j, err := proxy.NewJWT(proxy.JWTConfig{
		JWKS: a.JWKSURL, Issuer: a.JWTIssuer, Audience: a.JWTAudience, Algorithms: a.JWTAlgorithms,
		Owner: a.JWTOwner, KeyPrefix: a.JWTKeyPrefix, Shared: a.JWTShared, Terms: a.JWTTerms, Leeway: a.JWTLeeway, Refresh: a.JWTRefresh,
		Log: log,
	})
	var wrong *proxy.JWTError
	if errors.As(err, &wrong) {
		return &settingError{jwtSettings[wrong.Field], wrong.Why}
	}
	if err != nil {
		return err
	}
	if a.JWTShared {
		log.Warn("JWTs MAY SHARE A KEY PREFIX: one holder's files may be another's", "prefix", a.JWTKeyPrefix)
	}
	g.auth.TrustJWT(j)
	g.tasks = append(g.tasks, j.Run)
	return nil
}
