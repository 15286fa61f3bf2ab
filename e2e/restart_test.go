package e2e

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
)

// rounds is how many restarts there are.
const rounds = 6

// TestRestarts: two proxies end by SIGTERM at random moments, again and again,
// while clients upload through them. No acknowledged byte is lost, and no
// answer lies. A proxy that has time to finish answers every chunk that it has
// asked for, and refuses none.
func TestRestarts(t *testing.T) {
	t.Parallel()
	store, redis, program := testserver.MinIO(t), testserver.StartRedis(t), testserver.Build(t)
	for _, c := range []struct {
		name, grace string
		finishes    bool
	}{
		{"with time to finish", "60s", true},
		{"cut short", "20ms", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fleet{}
			for n := range f.proxies {
				f.proxies[n] = testserver.Serve(t, program, store, redis,
					"CHUNKGATE_SHUTDOWN_TIMEOUT="+c.grace, "CHUNKGATE_KEY_PREFIX="+c.grace+"/")
			}
			seed := seeded(t)
			uploaders := make([]*uploader, 12)
			var clients sync.WaitGroup
			t.Cleanup(func() { // whatever else goes wrong
				f.stop.Store(true)
				clients.Wait()
			})
			for n := range uploaders {
				uploaders[n] = &uploader{
					t: t, f: f, r: rand.New(rand.NewPCG(seed, uint64(n)+1)), at: n % 2,
					name: fmt.Sprint("client-", n), files: make(map[string][sha256.Size]byte),
				}
				uploaders[n].http.Timeout = time.Minute
				uploaders[n].http.Transport = &http.Transport{ExpectContinueTimeout: time.Minute, MaxConnsPerHost: 1}
				clients.Go(uploaders[n].run)
			}
			interrupted := f.restart(t, rand.New(rand.NewPCG(seed, 0)), c.finishes)
			f.stop.Store(true)
			clients.Wait()

			t.Logf("%d restarts under %d requests: %d chunks, %d files; %d tries had no answer, %d were cut, %d refused; %d chunks counted unheard, %d after a 503",
				rounds, interrupted, f.chunks.Load(), f.committed.Load(),
				f.silent.Load(), f.cut.Load(), f.refused.Load(), f.unheard.Load(), f.disowned.Load())
			if interrupted < rounds || f.silent.Load() == 0 {
				t.Error("the restarts went unnoticed")
			}
			if !c.finishes && f.cut.Load() == 0 {
				t.Error("no chunk was cut")
			}
			if c.finishes && f.cut.Load()+f.refused.Load()+f.unheard.Load()+f.disowned.Load() > 0 {
				t.Error("a proxy that had time to finish did not, or did not say so")
			}
			wantFiles(t, store, c.grace+"/"+testserver.KeyPrefix, uploaders)
		})
	}
}

// restart ends one proxy after the other at random moments, starts each again,
// and answers how many requests were on their way to those that ended.
func (f *fleet) restart(t *testing.T, r *rand.Rand, finishes bool) (interrupted int64) {
	t.Helper()
	for round := range rounds {
		time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
		p := &f.proxies[round%2]
		interrupted += f.busy[round%2].Load()
		signal(t, p.Process, syscall.SIGTERM)
		select {
		case <-p.Exited():
		case <-time.After(30 * time.Second):
			t.Fatal("the program does not end")
		}
		if code := p.ExitCode(); code != 0 && (finishes || code != 1) {
			t.Errorf("exit code %d:\n%s", code, p.Output())
		}
		p.Restart(t)
	}
	return interrupted
}

// wantFiles checks that what was committed is all there is, byte by byte.
func wantFiles(t *testing.T, store testserver.Store, prefix string, uploaders []*uploader) {
	t.Helper()
	want := make(map[string][sha256.Size]byte)
	for _, u := range uploaders {
		for path, sum := range u.files {
			want[prefix+path] = sum
		}
	}
	objects := teststore.Open(t, store)
	if got := teststore.Keys(t, objects, prefix); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("there are %d files, %d were committed", len(got), len(want))
	}
	for key, sum := range want {
		if teststore.SHA256(t, objects, key) != sum {
			t.Errorf("%s is not what was acknowledged", key)
		}
	}
}

// seeded is SEED if it is set, or a seed of its own; it is told either way.
func seeded(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("SEED=%d", seed)
	return seed
}
