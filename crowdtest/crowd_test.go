package crowdtest

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
)

const (
	crowd   = 1000 // clients at once
	uploads = 20

	// The budget of all buffers together. 1,000 clients that never gave theirs
	// back would hold several times as much, and nobody could go on.
	buffers = 16 * mib
	// The program is told to make do with this much memory, so that garbage does
	// not count; what is really held can still be more.
	memory = 64 * mib
	// slack: the program itself, and buffers of idle connections to the store.
	slack = 32 * mib
)

// TestProgram sends the crowd over the built program.
func TestProgram(t *testing.T) {
	store := testserver.MinIO(t)
	redis := testserver.StartRedis(t)
	p := testserver.Serve(t, testserver.Build(t, "-race=false"), store, redis,
		"CHUNKGATE_BODY_IDLE_TIMEOUT="+idle.String(), "CHUNKGATE_BUFFER_MEMORY=16MiB", "GOMEMLIMIT=64MiB")
	addr := strings.TrimPrefix(p.BaseURL, "http://")
	withstand(t, addr, teststore.Open(t, store), []int{len(ways), crowd}, func(before *held) {
		var now held
		await(t, func() bool {
			patient.CloseIdleConnections()
			now = heldBy(t, p.PID(), addr, strings.TrimPrefix(store.Endpoint, "http://"), redis.Addr)
			if before.other == 0 && now.clients == 0 {
				*before = now
			}
			return now.clients == 0 && now.other <= before.other+2 && now.memory <= memory+slack
		}, func() { t.Errorf("left %+v, at first %+v", now, *before) })
		t.Logf("%d connections, %d files, %d MiB; at first %d files, %d MiB",
			now.clients, now.other, now.memory/mib, before.other, before.memory/mib)
	})
}

// TestGoroutines sends it over the packages in this process.
func TestGoroutines(t *testing.T) {
	store := testserver.MinIO(t)
	addr := serveHere(t, store)
	withstand(t, addr, teststore.Open(t, store), []int{len(ways), crowd}, func(before *held) {
		var busy []string
		await(t, func() bool {
			patient.CloseIdleConnections()
			busy = atWork()
			return len(busy) == 0
		}, func() { t.Errorf("%d goroutines are left, such as:\n%s", len(busy), busy[0]) })
		now := heap()
		if before.memory == 0 {
			before.memory = now
		}
		if now > before.memory+slack {
			t.Errorf("the heap has %d MiB, at first %d", now/mib, before.memory/mib)
		}
		t.Logf("%d goroutines, %d MiB of heap; at first %d MiB", len(busy), now/mib, before.memory/mib)
	})
}

// withstand begins uploads, lets crowds of these sizes come over them, and
// finishes them. After each, settle waits until what is held is what was held
// after the first: pools of connections have their size then.
func withstand(t *testing.T, addr string, objects *s3backend.Backend, crowds []int, settle func(before *held)) {
	t.Helper()
	files := begin(t, addr, uploads)
	var before held
	for _, n := range crowds {
		began := time.Now()
		rush(t, addr, files, n)
		t.Logf("%d broken clients in %v", n, time.Since(began).Round(time.Millisecond))
		settle(&before)
	}
	for _, f := range files {
		want := f.finish(t, addr)
		if got := teststore.SHA256(t, objects, testserver.KeyPrefix+f.name); got != want {
			t.Errorf("%s has SHA-256 %x, want %x", f.name, got, want)
		}
	}
	settle(&before)
}

// rush lets n clients break chunks at once, all ways in turn, over all uploads.
func rush(t *testing.T, addr string, files []*file, n int) {
	t.Helper()
	body := make([]byte, 6*mib) // nobody's content
	for i := range body {
		body[i] = 'x'
	}
	wrong := make(chan error, n)
	var clients sync.WaitGroup
	for i := range n {
		clients.Go(func() {
			way, target := ways[i%len(ways)], "/1/"+files[i%len(files)].next()
			if way.fresh {
				target = "/1/chunked_upload"
			}
			if err := way.run(addr, target, body); err != nil {
				wrong <- err
			}
		})
	}
	clients.Wait()
	close(wrong)
	var all error
	for err := range wrong {
		all = errors.Join(all, err)
	}
	if all != nil {
		t.Error(all)
	}
}

// await polls until cond holds, and complains if it does not within 20 s.
func await(t *testing.T, cond func() bool, complain func()) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(20 * time.Second); !cond(); {
		select {
		case <-tick.C:
		case <-late:
			complain()
			return
		}
	}
}

// A body of 1 KiB/s is legal, however long it takes, if it is whole.
func TestSlowIsNotStalled(t *testing.T) {
	store := testserver.MinIO(t)
	addr := serveHere(t, store)
	body := make([]byte, 5*kib) // 5 s, more than idle
	way := broken{name: "slow and whole", size: len(body), want: counted, send: func(c *client) {
		c.announce(0)
		c.slowly(len(body), patience)
	}}
	if err := way.run(addr, "/1/files_put/auto/slow", body); err != nil {
		t.Fatal(err)
	}
	if got := teststore.SHA256(t, teststore.Open(t, store), testserver.KeyPrefix+"slow"); got != sha256.Sum256(body) {
		t.Error("the file is another")
	}
	if got := ask(t, addr, http.MethodGet, "metadata/auto/slow", nil); got.Bytes != int64(len(body)) {
		t.Errorf("%+v", got)
	}
}
