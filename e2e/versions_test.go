package e2e

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/session"
)

// older is the revision that an upgrade may come from, while its replicas are
// being replaced.
const older = "8cfd9c8ddbf32c3978495e1c3796fd24d08adc67"

// versions is the older program and this one over the same stores.
type versions struct {
	programs [2]string // the older one, this one
	store    testserver.Store
	redis    testserver.Redis
	sessions redis.UniversalClient // past the programs
}

func newVersions(t *testing.T) *versions {
	t.Helper()
	v := &versions{
		programs: [2]string{testserver.BuildRevision(t, older), testserver.Build(t, "-race=false")},
		store:    testserver.MinIO(t), redis: testserver.StartRedis(t),
	}
	var err error
	if v.sessions, err = session.Connect(v.redis.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.sessions.Close() })
	return v
}

// serve runs both programs.
func (v *versions) serve(t *testing.T, env ...string) (proxies [2]testserver.Proxy) {
	t.Helper()
	for n, program := range v.programs {
		proxies[n] = testserver.Serve(t, program, v.store, v.redis, env...)
	}
	return proxies
}

// TestVersions: the older program and this one share uploads.
func TestVersions(t *testing.T) {
	t.Parallel()
	v := newVersions(t)
	t.Run("request by request", v.alternate)
	t.Run("sweeps", v.sweepEachOther)
	t.Run("upgrade", v.upgrade)
}

// alternate: while replicas are being replaced, each request of
// an upload may go to the older program or to this one, forth and back.
func (v *versions) alternate(all *testing.T) {
	objects := teststore.Open(all, v.store)
	for _, tails := range []string{"8MiB", "0"} { // in Redis, as objects
		proxies := v.serve(all, "CHUNKGATE_TAIL_REDIS_MAX="+tails, "CHUNKGATE_COMMIT_LEASE=1s", "CHUNKGATE_S3_TIMEOUT=2s")
		for first, names := range [2][2]string{{"older", "this"}, {"this", "older"}} {
			for _, promised := range []bool{false, true} {
				all.Run(fmt.Sprintf("tails %s, begun by %s, promised=%v", tails, names[0], promised), func(t *testing.T) {
					begun, other := &proxies[first], &proxies[1-first]
					path := strings.ReplaceAll(t.Name(), " ", "-")
					id, file := sendInTurn(t, *begun, *other, path, promised)
					commit := "commit_chunked_upload/auto/" + path + "?overwrite=false&upload_id=" + id

					// Its runner dies, and the other program's takes over.
					v.die(t, begun, id, commit)
					done := askUntil(t, *other, "POST", commit, nil, http.StatusOK)
					begun.Restart(all)
					if again := ask(t, *begun, "POST", commit, nil); again != done || done.Bytes != int64(len(file)) {
						t.Errorf("one says %+v, the other %+v", done, again)
					}
					if teststore.SHA256(t, objects, testserver.KeyPrefix+path) != sha256.Sum256(file) {
						t.Error("the object is not what was acknowledged")
					}
				})
			}
		}
	}
}

// sendInTurn uploads chunks of all kinds to two proxies in turn, and repeats each
// at the other: that one says where the upload ends.
func sendInTurn(t *testing.T, begun, other testserver.Proxy, path string, promised bool) (id string, file []byte) {
	t.Helper()
	turns := [2]testserver.Proxy{begun, other}
	r := rand.New(rand.NewPCG(1, 2))
	for n, size := range []int{1000, 2 * mib, 3 * mib, 7 * mib, 500, 0, 6 * mib, 6 * mib, 1 * mib, 2 * mib} {
		q := url.Values{"offset": {fmt.Sprint(len(file))}}
		if id != "" {
			q.Set("upload_id", id)
		} else if promised {
			q.Set("path", path)
		}
		chunk := make([]byte, size)
		for i := range chunk {
			chunk[i] = byte(r.Uint32())
		}
		got := ask(t, turns[n%2], "PUT", "chunked_upload?"+q.Encode(), chunk)
		if file = append(file, chunk...); got.Status != http.StatusOK || got.Offset != int64(len(file)) {
			t.Fatalf("chunk %d of %d bytes: %+v", n, size, got)
		}
		id = got.UploadID
		q.Set("upload_id", id)
		if told := ask(t, turns[1-n%2], "GET", "chunked_upload?"+q.Encode(), nil); told.Offset != got.Offset {
			t.Fatalf("one says %d, the other %d", got.Offset, told.Offset)
		}
	}
	return id, file
}

// die lets a proxy begin a commit and kills it before it has done anything.
func (v *versions) die(t *testing.T, p *testserver.Proxy, id, commit string) {
	t.Helper()
	stop(t, v.store.Process)
	defer resume(t, v.store.Process)
	given := make(chan struct{})
	go func() {
		defer close(given)
		r, err := http.NewRequest("POST", p.BaseURL+"/1/"+commit, nil)
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Authorization", "Bearer "+testserver.Token)
		if answer, err := http.DefaultClient.Do(r); err == nil {
			answer.Body.Close()
			t.Errorf("a commit without a store answers %s", answer.Status)
		}
	}()
	await(t, "the commit to begin", func() bool {
		for _, key := range v.sessions.Keys(t.Context(), "*"+id+"*").Val() {
			if v.sessions.HGet(t.Context(), key, "state").Val() == "committing" {
				return true
			}
		}
		return false
	})
	p.Kill()
	<-given
}

// askUntil repeats a request that is answered 503.
func askUntil(t *testing.T, p testserver.Proxy, method, target string, body []byte, status int) reply {
	t.Helper()
	for range most {
		got := ask(t, p, method, target, body)
		if got.Status == status {
			return got
		}
		if got.Status != http.StatusServiceUnavailable {
			t.Fatalf("%s %s: %+v", method, target, got)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s %s is never answered %d", method, target, status)
	return reply{}
}

func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !happened(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// sweepEachOther: what one program leaves, the other's sweep frees.
func (v *versions) sweepEachOther(t *testing.T) {
	objects := teststore.Open(t, v.store)
	for first, name := range []string{"this sweeps the older one's", "the older one sweeps this one's"} {
		t.Run(name, func(t *testing.T) {
			begun := testserver.Serve(t, v.programs[first], v.store, v.redis, "CHUNKGATE_SWEEP_INTERVAL=1h")
			other := testserver.Serve(t, v.programs[1-first], v.store, v.redis, "CHUNKGATE_SWEEP_INTERVAL=1h")
			sendInTurn(t, begun, other, "left", false)
			sendInTurn(t, begun, other, "promised", true)
			committed := fmt.Sprint("committed-", first)
			id, file := sendInTurn(t, begun, other, committed, false)
			askUntil(t, begun, "POST", "commit_chunked_upload/auto/"+committed+"?upload_id="+id, nil, http.StatusOK)
			begun.Kill()
			other.Kill()

			sweeper := testserver.Serve(t, v.programs[1-first], v.store, v.redis, "CHUNKGATE_SWEEP_INTERVAL=1s")
			defer sweeper.Kill()
			v.expire(t)
			var left []string
			defer func() {
				if t.Failed() {
					t.Logf("left in Redis: %q", left)
				}
			}()
			await(t, "nothing to be left", func() bool {
				left = slices.DeleteFunc(v.sessions.Keys(t.Context(), "*").Val(), func(k string) bool {
					return strings.HasSuffix(k, ":ping") || v.sessions.Type(t.Context(), k).Val() == "zset" // of times, which pass
				})
				return len(left) == 0
			})
			if left := teststore.Keys(t, objects, staging); len(left) > 0 {
				t.Errorf("staged objects are left: %q", left)
			}
			if teststore.SHA256(t, objects, testserver.KeyPrefix+committed) != sha256.Sum256(file) {
				t.Error("what was committed is not what was acknowledged")
			}
			if open, err := objects.Multiparts(t.Context(), testserver.KeyPrefix+"promised"); err != nil || len(open) > 0 {
				t.Errorf("multipart uploads left: %q, %v", open, err)
			}
		})
	}
}

// expire makes the time of all uploads come: they ended long ago, and so did
// their deadlines.
func (v *versions) expire(t *testing.T) {
	t.Helper()
	const prefix, deadlines = "chunkgate:", "chunkgate:deadlines"
	_, err := v.sessions.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for _, id := range v.sessions.ZRange(t.Context(), deadlines, 0, -1).Val() {
			p.HSet(t.Context(), prefix+"{"+id+"}", "expires", "1")
			p.ZAdd(t.Context(), deadlines, redis.Z{Score: 1, Member: id})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// upgrade: under load two proxies are upgraded from the older program to
// this one, rolled back, and upgraded again, while each request may go to
// either. No upload fails.
func (v *versions) upgrade(t *testing.T) {
	f := &fleet{}
	var links [2]string
	for n := range f.proxies {
		links[n] = filepath.Join(t.TempDir(), "chunkgate")
		v.install(t, 0, links[n])
		f.proxies[n] = testserver.Serve(t, links[n], v.store, v.redis, "CHUNKGATE_SHUTDOWN_TIMEOUT=60s", "CHUNKGATE_KEY_PREFIX=upgrade/")
	}
	uploaders := make([]*uploader, 6)
	var clients sync.WaitGroup
	t.Cleanup(func() { // whatever else goes wrong
		f.stop.Store(true)
		clients.Wait()
	})
	seed := seeded(t)
	for n := range uploaders {
		uploaders[n] = &uploader{
			t: t, f: f, r: rand.New(rand.NewPCG(seed, uint64(n)+1)), hops: true,
			name: fmt.Sprint("client-", n), files: make(map[string][sha256.Size]byte),
		}
		uploaders[n].http.Timeout = time.Minute
		uploaders[n].http.Transport = &http.Transport{ExpectContinueTimeout: time.Minute, MaxConnsPerHost: 1}
		clients.Go(uploaders[n].run)
	}
	for _, step := range []struct{ proxy, version int }{{0, 1}, {0, 0}, {0, 1}, {1, 1}, {1, 0}, {1, 1}} {
		before := f.chunks.Load()
		await(t, "chunks", func() bool { return t.Failed() || f.chunks.Load() > before+10 })
		p := &f.proxies[step.proxy]
		signal(t, p.Process, syscall.SIGTERM)
		select {
		case <-p.Exited():
		case <-time.After(time.Minute):
			t.Fatal("the program does not end")
		}
		v.install(t, step.version, links[step.proxy])
		p.Restart(t)
	}
	f.stop.Store(true)
	clients.Wait()
	t.Logf("%d chunks, %d files", f.chunks.Load(), f.committed.Load())
	if f.committed.Load() == 0 {
		t.Error("nothing was uploaded")
	}
	wantFiles(t, v.store, "upgrade/"+testserver.KeyPrefix, uploaders)
}

// install puts a version where a proxy's program is.
func (v *versions) install(t *testing.T, version int, at string) {
	t.Helper()
	_ = os.Remove(at)
	if err := os.Symlink(v.programs[version], at); err != nil {
		t.Fatal(err)
	}
}
