package modeltest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

const (
	owner   = "alice"
	staging = ".chunkgate/"
	ttl     = 48 * time.Hour
	minPart = 50 // bytes
)

// world is two engines over stores in memory, and two uploads. Engines crash
// and are started anew.
type world struct {
	t        *testing.T
	r        *rand.Rand
	cfg      upload.Config
	sessions *uploadtest.Sessions
	objects  *uploadtest.Objects
	full     atomic.Bool // the session store says that its memory is

	mu      sync.Mutex
	serial  int // of ids
	engines [2]*replica
	rate    float64   // share of calls that fail
	faulty  bool      // calls fail and engines crash
	quiet   time.Time // when the clients had ended
	uploads []*model
	trace   []string
	steps   int
	fails   int
}

// replica is an engine and what it is cut off by.
type replica struct {
	*upload.Engine
	gate   *gate
	moving atomic.Bool // MoveTails is under way
}

// modes are the ways of storing.
var modes = []func(*upload.Config){
	func(*upload.Config) {},
	func(c *upload.Config) { c.TailInSessions = 0 },
	func(c *upload.Config) { c.TailInSessions = 20 },
	func(c *upload.Config) { c.Limits.EqualPart = 64 },
	func(c *upload.Config) { c.Limits.MinPart, c.Limits.MaxPart = 40_000, 50_000 }, // all is tail
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, r: rand.New(rand.NewPCG(seed, 0)),
		sessions: uploadtest.NewSessions(), objects: uploadtest.NewObjects(),
	}
	w.objects.MinPart = minPart
	w.objects.CompleteAgain = w.r.IntN(2) == 0
	if w.faulty = w.r.IntN(4) > 0; w.faulty {
		w.rate = 0.3 * w.r.Float64()
	}
	w.cfg = upload.Config{
		Limits: upload.Limits{MinPart: minPart, MaxPart: 50_000, MaxParts: 1000, MaxChunk: 200_000, MaxObject: 10 << 20},
		TTL:    ttl, Lease: 10 * time.Minute, StagingPrefix: staging,
		TailInSessions: 100_000, TailShare: 70, TailIdle: time.Nanosecond,
		BufferMemory: 8 << 20, NewID: w.newID,
	}
	modes[w.r.IntN(len(modes))](&w.cfg)
	for i := range w.engines {
		w.engines[i] = w.start()
	}
	return w
}

func (w *world) newID() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serial++
	return fmt.Sprintf("id%d", w.serial)
}

// start starts an engine.
func (w *world) start() *replica {
	g := &gate{r: rand.New(rand.NewPCG(w.r.Uint64(), 0)), rate: w.rate}
	cfg := w.cfg
	sessions := faultySessions{w.sessions, g, &w.full}
	cfg.Sessions, cfg.Tails, cfg.Objects = sessions, sessions, faultyObjects{w.objects, g}
	return &replica{Engine: upload.New(cfg), gate: g}
}

// restart crashes an engine and starts another in its place.
func (w *world) restart(i int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails += w.engines[i].gate.crash()
	w.engines[i] = w.start()
}

func (w *world) engine(i int) *replica {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.engines[i]
}

// heal ends the faults.
func (w *world) heal() {
	w.mu.Lock()
	w.rate = 0
	w.mu.Unlock()
	w.restart(0)
	w.restart(1)
}

// before is the model as it stands when a request begins.
func (w *world) before(m *model) model {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := *m
	was.tried = maps.Clone(m.tried)
	return was
}

// judge notes a step and fails the test when the model does not allow it.
func (w *world) judge(m *model, step string, answer any, allowed func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps++
	w.trace = append(w.trace, fmt.Sprintf("%s %s %s: %v", time.Now().Format("02 15:04:05.000000"), m.id, step, answer))
	if err := allowed(); err != nil {
		w.trace = append(w.trace, "^^^ cannot be: "+err.Error())
		w.t.Error(err)
	}
}

// verify checks what is in the object store of an upload.
func (w *world) verify(m *model) error {
	var found []string
	for _, key := range w.objects.Keys() {
		if !strings.HasPrefix(key, staging) && w.objects.Attributes(key).Upload == m.id {
			found = append(found, key)
		}
	}
	switch {
	case len(found) > 1:
		return fmt.Errorf("two objects: %q", found)
	case len(found) == 1 && len(m.tried) == 0:
		return fmt.Errorf("object %q without a commit", found)
	case m.result != nil && (len(found) == 0 || found[0] != m.result.Key):
		return fmt.Errorf("objects are %q, told was %q", found, m.result.Key)
	case len(found) == 0:
		return nil
	}
	content, _ := w.objects.Object(found[0])
	if m.result != nil && m.result.Size != int64(len(content)) {
		return fmt.Errorf("object of %d bytes, told were %d", len(content), m.result.Size)
	}
	return m.object(content)
}

// left says what expired and swept uploads have left behind.
func (w *world) left() error {
	var left []error
	for _, key := range w.objects.Keys() {
		if strings.HasPrefix(key, staging) && !w.straggles(key) {
			left = append(left, fmt.Errorf("object %q is left", key))
		}
	}
	for _, open := range w.objects.Filled() {
		if !w.straggles(open.Key) {
			left = append(left, fmt.Errorf("%v is left", open))
		}
	}
	if ids := w.sessions.IDs(); len(ids) > 0 {
		left = append(left, fmt.Errorf("records %q are left", ids))
	}
	// Redis lets pieces expire, the fake does not.
	if n := w.sessions.Pieces(); n > 0 && !slices.ContainsFunc(w.uploads, w.mayStraggle) {
		left = append(left, fmt.Errorf("%d pieces are left", n))
	}
	return errors.Join(left...)
}

// mayStraggle tells uploads that were swept while a chunk of theirs may have
// been under way, an hour after they had expired: what that chunk stored afterwards, and an engine that
// crashed or a store that failed did not let it remove, nobody knows of.
func (w *world) mayStraggle(m *model) bool {
	return w.faulty && !w.quiet.Before(m.expires.Add(time.Hour))
}

// straggles says whether key is under the staging folder of such an upload.
func (w *world) straggles(key string) bool {
	return slices.ContainsFunc(w.uploads, func(m *model) bool {
		return w.mayStraggle(m) && strings.HasPrefix(key, staging+m.id+"/")
	})
}
