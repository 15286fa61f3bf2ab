package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"

	"github.com/chunkgate/chunkgate/upload"
)

// Bounds of fetching an issuer's keys.
const (
	maxJWKS      = 512 << 10        // bytes
	fetchTimeout = 10 * time.Second // for one fetch
	fetchGap     = 10 * time.Second // between two that tokens of unknown keys, or a failure, ask for
)

// errNoKeys: nothing can be said of a JWT.
var errNoKeys = fmt.Errorf("the issuer's keys have never been had: %w", upload.ErrUnavailable)

// jwks holds an issuer's keys. One goroutine fetches them, requests read them.
type jwks struct {
	url    string
	log    *slog.Logger
	client *http.Client
	get    func(context.Context) (keyfunc.Keyfunc, error) // download, but for tests
	gap    time.Duration
	wanted chan struct{} // has room for one: a token names a key that is not known

	mu      sync.Mutex
	keys    keyfunc.Keyfunc // nil: never had any
	fetched chan struct{}   // closed at the end of the next fetch
}

func newJWKS(url string, log *slog.Logger) *jwks {
	k := &jwks{
		url: url, log: log, gap: fetchGap,
		wanted: make(chan struct{}, 1), fetched: make(chan struct{}),
		client: &http.Client{
			Timeout: fetchTimeout,
			// The URL was found to be safe, another was not.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	k.get = k.download
	return k
}

// run fetches at once, then every interval, sooner after a failure or when a
// key is wanted, but never within the gap.
func (k *jwks) run(ctx context.Context, interval time.Duration) {
	for {
		next := interval
		if err := k.fetch(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("fetch the keys of the JWT issuer", "err", err)
			next = min(k.gap, interval)
		}
		if !pause(ctx, k.gap, nil) || !pause(ctx, next-k.gap, k.wanted) {
			return
		}
	}
}

// pause waits, or until it is cut short; it says whether ctx lives.
func pause(ctx context.Context, d time.Duration, cut <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-cut:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// fetch replaces the keys. Whether or not it succeeds, those who wait look again.
func (k *jwks) fetch(ctx context.Context) error {
	keys, err := k.get(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.keys = keys
	}
	close(k.fetched)
	k.fetched = make(chan struct{})
	return err
}

// download is made in a goroutine of its own, so a panic over what the issuer
// answers is an error, too.
func (k *jwks) download(ctx context.Context) (keys keyfunc.Keyfunc, err error) {
	defer func() {
		if p := recover(); p != nil {
			keys, err = nil, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the issuer answers %s", answer.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, maxJWKS+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxJWKS {
		return nil, fmt.Errorf("the issuer's keys have more than %d bytes", maxJWKS)
	}
	return parseJWKS(raw)
}

// parseJWKS reads those of the keys that can check signatures. A key that is
// of no use to us does not spoil the others; a symmetric one is not even read,
// as long as no option asks for private keys.
func parseJWKS(raw []byte) (keyfunc.Keyfunc, error) {
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	set.Keys = slices.DeleteFunc(set.Keys, func(m jwkset.JWKMarshal) bool {
		_, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		return err != nil || m.KID == "" || m.USE == jwkset.UseEnc
	})
	if len(set.Keys) == 0 {
		return nil, errors.New("the issuer has no key with a kid that could check a signature")
	}
	store, err := set.ToStorage()
	if err != nil {
		return nil, fmt.Errorf("read the issuer's keys: %w", err)
	}
	return keyfunc.New(keyfunc.Options{Storage: store})
}

// keyfunc finds the key of a token. When it is not known, it may be new: then a
// fetch is asked for and, as long as ctx allows, waited for.
func (k *jwks) keyfunc(ctx context.Context) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		if _, named := t.Header[jwkset.HeaderKID]; !named {
			return nil, errors.New("token names no key")
		}
		keys, fetched := k.current()
		if keys != nil {
			key, err := keys.KeyfuncCtx(ctx)(t)
			if !errors.Is(err, jwkset.ErrKeyNotFound) {
				return key, err
			}
		}
		select {
		case k.wanted <- struct{}{}:
		default: // somebody has asked already
		}
		select {
		case <-fetched:
		case <-ctx.Done():
		}
		if keys, _ = k.current(); keys == nil {
			return nil, errNoKeys
		}
		return keys.KeyfuncCtx(context.WithoutCancel(ctx))(t)
	}
}

func (k *jwks) current() (keyfunc.Keyfunc, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys, k.fetched
}
