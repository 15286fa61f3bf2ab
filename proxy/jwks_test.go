package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// run fetches keys until the test ends; the gap is as short as the test wants.
func (j *JWT) run(t *testing.T, gap time.Duration) {
	t.Helper()
	j.keys.gap = gap
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		j.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
}

// A key that appears is fetched when the first token of it comes, and that
// token gets in. Those that vanish do not count any more.
func TestKeysRotate(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", otherRSA().Public())
	a, j := trusting(t, jwtConfig(i))
	j.run(t, time.Millisecond)
	i.with(func() { i.keys = nil })
	i.publish(t, "k2", rsaKey().Public())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	await(t, "the new key", func() bool { // a fetch that had begun before may be waited for
		_, err := a.bearer(ctx, sign(t, jwt.SigningMethodRS256, "k2", rsaKey(), claims(nil)))
		return err == nil
	})
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := a.bearer(short, sign(t, jwt.SigningMethodRS256, "k1", otherRSA(), claims(nil))); err == nil {
		t.Error("the old key still counts")
	}
}

// Tokens of unknown keys, however many, make no more fetches than the gap
// allows, and none of them waits for longer than its request may.
func TestUnknownKeysDoNotFlood(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	a, j := trusting(t, jwtConfig(i))
	token := sign(t, jwt.SigningMethodRS256, "k9", rsaKey(), claims(nil))
	keys, _ := j.keys.current()
	synctest.Test(t, func(t *testing.T) {
		j.keys = newJWKS(i.url, j.cfg.Log)
		var fetches atomic.Int64
		j.keys.get = func(context.Context) (keyfunc.Keyfunc, error) { fetches.Add(1); return keys, nil }
		run, stop := context.WithCancel(t.Context())
		go j.Run(run)
		synctest.Wait()
		for second := range int64(25) {
			for range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				if _, err := a.bearer(ctx, token); err == nil {
					t.Fatal("a token of an unknown key got in")
				}
				cancel()
			}
			time.Sleep(900 * time.Millisecond)
			if most := 1 + (second+1)/int64(fetchGap.Seconds()); fetches.Load() > most {
				t.Fatalf("%d fetches in the first %d seconds, want at most %d", fetches.Load(), second+1, most)
			}
		}
		if fetches.Load() != 3 {
			t.Errorf("%d fetches in all, want 3", fetches.Load())
		}
		stop()
		synctest.Wait()
	})
}

// What cannot be fetched leaves the keys there are, and is tried again.
func TestKeysSurviveFailures(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	a, j := trusting(t, jwtConfig(i))
	token := sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(nil))
	keys, err := json.Marshal(jwkset.JWKSMarshal{Keys: i.keys})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(){
		"status":    func() { i.status = http.StatusInternalServerError },
		"redirect":  func() { i.status = http.StatusFound },
		"no JSON":   func() { i.body = []byte("<html>") },
		"no keys":   func() { i.body = []byte(`{"keys":[]}`) },
		"symmetric": func() { i.body = []byte(`{"keys":[{"kty":"oct","kid":"k1","k":"c2VjcmV0"}]}`) },
		"endless":   func() { i.body = append(keys, strings.Repeat(" ", maxJWKS)...) },
	} {
		i.with(func() { i.status, i.body = 0, nil; change() })
		if err := j.keys.fetch(t.Context()); err == nil {
			t.Errorf("%s: fetched without an error", name)
		}
		if _, err := a.bearer(t.Context(), token); err != nil {
			t.Errorf("%s: the key before does not count any more: %v", name, err)
		}
	}
	j.run(t, time.Millisecond)
	before := i.fetched()
	await(t, "further tries", func() bool { return i.fetched() > before+3 })
}

// A key of no use does not spoil the others, and one for encryption checks nothing.
func TestUselessKeys(t *testing.T) {
	i := newIssuer(t)
	i.publish(t, "k1", rsaKey().Public())
	i.publish(t, "enc", rsaKey().Public())
	i.with(func() {
		i.keys[1].USE = "enc"
		odd := i.keys[0]
		odd.KID, odd.KTY, odd.CRV = "odd", "OKP", "Ed448"
		i.keys = append(i.keys, odd)
	})
	a, _ := trusting(t, jwtConfig(i))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := a.bearer(ctx, sign(t, jwt.SigningMethodRS256, "k1", rsaKey(), claims(nil))); err != nil {
		t.Errorf("the good key: %v", err)
	}
	if _, err := a.bearer(ctx, sign(t, jwt.SigningMethodRS256, "enc", rsaKey(), claims(nil))); err == nil {
		t.Error("a key for encryption let somebody in")
	}
}
