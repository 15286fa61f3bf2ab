package modeltest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

const (
	walks   = 800 // of one `go test`
	clients = 4
	steps   = 40 // of one client
)

// TestModel walks at random: always the same walks, unless SEED names one or
// SOAK says for how long to take new ones.
func TestModel(t *testing.T) {
	total, fails, seed := 0, 0, uint64(0)
	more := func() bool { return seed < walks }
	if s := os.Getenv("SEED"); s != "" {
		only, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = only
		more = func() bool { return seed == only }
	}
	if s := os.Getenv("SOAK"); s != "" {
		long, err := time.ParseDuration(s)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(long)
		seed = uint64(time.Now().UnixNano())
		more = func() bool { return time.Now().Before(end) }
	}
	for ; more() && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, seed)
			w.walk(seed)
			total, fails = total+w.steps, fails+w.fails
			if t.Failed() || os.Getenv("SEED") != "" {
				t.Logf("SEED=%d\n%s", seed, strings.Join(w.trace, "\n"))
			}
		})
	}
	t.Logf("%d steps, %d calls to a store failed", total, fails)
}

// walk lets the clients loose, ends the faults, finishes some of the uploads
// and sweeps.
func (w *world) walk(seed uint64) {
	for n := range 2 {
		w.open(n)
	}
	var all sync.WaitGroup
	for n := range clients {
		c := &client{world: w, r: rand.New(rand.NewPCG(seed, uint64(n+1))), hangUp: true}
		all.Go(func() {
			for range steps {
				time.Sleep(1 + time.Duration(c.r.Int64N(int64(20*time.Millisecond))))
				if w.t.Failed() {
					return
				}
				c.step()
			}
		})
	}
	all.Wait()
	w.quiet = time.Now()
	w.heal()
	last := &client{world: w, r: w.r}
	for n, m := range w.uploads {
		if w.r.IntN(2) == 0 {
			last.finish(m, n)
		}
		w.judge(m, "objects", w.objects.Keys(), func() error { return w.verify(m) })
	}
	for range 3 { // what a crashed engine had claimed is due again only later
		time.Sleep(ttl)
		if _, err := w.engine(0).Orphans(w.t.Context()); err != nil { // of uploads that were committed and forgotten
			w.t.Errorf("find orphans: %v", err)
		}
		for i := range w.engines {
			if _, err := w.engine(i).Sweep(w.t.Context()); err != nil {
				w.t.Errorf("sweep: %v", err)
			}
		}
	}
	for _, m := range w.uploads {
		w.judge(m, "objects at the end", w.objects.Keys(), func() error { return w.verify(m) })
	}
	w.judge(&model{id: "all"}, "what is left", "", w.left)
}

// open opens an upload, promised or not, however often it takes.
func (w *world) open(n int) {
	c := &client{world: w, r: w.r}
	chunk := upload.Chunk{Owner: owner}
	if w.r.IntN(2) == 0 {
		chunk.Destination = fmt.Sprintf("dir%d/file", n)
	}
	for {
		body := c.body()
		chunk.Length, chunk.Body = int64(len(body)), bytes.NewReader(body)
		s, err := w.engine(w.r.IntN(2)).Append(w.t.Context(), chunk)
		if err == nil {
			m := &model{
				id: s.ID, expires: s.Expires, faulty: w.faulty, tried: make(map[string]int), low: s.Offset,
				chunks: []*sent{{body: body, acked: true}},
			}
			w.judge(m, "open", s.Offset, func() error { return nil })
			w.uploads = append(w.uploads, m)
			return
		}
		if !errors.Is(err, upload.ErrUnavailable) {
			w.t.Fatalf("open: %v", err)
		}
	}
}

// step does one thing of a client.
func (c *client) step() {
	n := c.r.IntN(len(c.uploads))
	m, e := c.uploads[n], c.r.IntN(2)
	switch dice := c.r.IntN(1000); {
	case dice < 660:
		c.append(m, e)
	case dice < 760:
		c.status(m, e)
	case dice < 820:
		c.moveTails(e)
	case dice < 860:
		c.commit(m, n, e, c.r.IntN(4))
	case dice < 864:
		c.discard(m, e)
	case dice < 900:
		c.intrude(m, e)
	case dice < 930:
		_, _ = c.engine(e).Sweep(c.t.Context()) // what it must not take shows elsewhere
	case dice < 970 && c.faulty:
		c.restart(e)
	default:
		time.Sleep(time.Duration(c.r.Int64N(1 << (20 + c.r.IntN(26))))) // 1 ms to 20 h
	}
}
