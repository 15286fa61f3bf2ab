package faulttest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chunkgate/chunkgate/internal/testserver"
	"github.com/chunkgate/chunkgate/internal/teststore"
	"github.com/chunkgate/chunkgate/s3backend"
	"github.com/chunkgate/chunkgate/session"
	"github.com/chunkgate/chunkgate/upload"
)

// chunks of the scripted upload, in bytes.
var chunks = []int{1 << 10, 4 << 20, 6 << 20, 17 << 20, 0}

// scenario is a way of uploading.
type scenario struct {
	name                     string
	promise, absent, unknown bool
	env                      []string // settings of the program
}

var scenarios = []scenario{
	{name: "staged, overwrite"},
	{name: "staged, no overwrite", absent: true},
	{name: "promised, overwrite", promise: true},
	{name: "promised, no overwrite", promise: true, absent: true},
	{name: "length unknown", unknown: true},
	{name: "tails as objects", env: []string{"CHUNKGATE_TAIL_REDIS_MAX=0"}},
	{name: "spliced", env: []string{"CHUNKGATE_S3_CHECKSUM=off"}},
}

// lanes is how many cases run at once, each over stores of its own: most of a
// case is waiting.
const lanes = 4

// share is how many of the faults at a call make test tries: one in so many, in
// turn. MATRIX=full tries all.
const share = 4

// TestMatrix runs the script once a scenario to number its calls, and then once
// for every call and every fault.
func TestMatrix(t *testing.T) {
	program := testserver.Build(t, "-race=false")
	var all []*matrix
	for range lanes {
		all = append(all, newMatrix(t, program))
	}
	cases := all[0].cases(t)
	if t.Failed() {
		return
	}
	t.Logf("%d cases", len(cases))
	next := make(chan testCase)
	var work sync.WaitGroup
	for _, m := range all {
		work.Go(func() {
			defer func() { // also of a lane that ends early
				for range next {
				}
			}()
			for c := range next {
				t.Run(c.String(), func(t *testing.T) {
					if _, hit := m.run(t, c); hit == "" {
						t.Error("the fault did not happen")
					}
				})
			}
		})
	}
	for _, c := range cases {
		next <- c
	}
	close(next)
	work.Wait()
}

// testCase is a fault at a call of a scenario.
type testCase struct {
	scenario
	at    int    // number of the call, from 1; 0: no fault
	call  string // its name
	fault Fault
}

func (c testCase) String() string {
	return fmt.Sprintf("%s/%d %s/%s", c.name, c.at, c.call, c.fault)
}

// cases runs every scenario without a fault and answers what can happen.
func (m *matrix) cases(t *testing.T) []testCase {
	t.Helper()
	var all []testCase
	n := 0
	for _, s := range scenarios {
		t.Run(s.name+"/no fault", func(t *testing.T) {
			m.run(t, testCase{scenario: s}) // Redis learns the scripts
			calls, _ := m.run(t, testCase{scenario: s})
			t.Logf("%d calls", len(calls))
			for i, call := range calls {
				for _, fault := range Faults(call) {
					if n++; os.Getenv("MATRIX") == "full" || n%share == 0 {
						all = append(all, testCase{s, i + 1, call, fault})
					}
				}
			}
		})
	}
	return all
}

// matrix is the stores, the proxies of faults in front of them, and two
// programs, of which the first is killed now and then.
type matrix struct {
	tb       testing.TB // of all cases: what is started lives on
	trigger  *Trigger
	program  string
	front    *S3
	store    testserver.Store // through the faults
	redis    testserver.Redis // through the faults
	env      []string         // of the programs that run
	proxies  [2]testserver.Proxy
	objects  *s3backend.Backend // past the faults
	sessions redis.UniversalClient
	file     []byte
}

func newMatrix(t *testing.T, program string) *matrix {
	t.Helper()
	store, server := testserver.MinIO(t), testserver.StartRedis(t)
	m := &matrix{tb: t, trigger: &Trigger{}, program: program, store: store, redis: server}
	m.front = FrontS3(t, store.Endpoint, m.trigger)
	m.store.Endpoint = m.front.URL
	m.redis.URL = FrontRedis(t, server.Addr, m.trigger) + "?read_timeout=500ms"
	m.objects = teststore.Open(t, store)
	var err error
	if m.sessions, err = session.Connect(server.URL); err != nil {
		t.Fatal(err)
	}
	for _, size := range chunks {
		m.file = append(m.file, make([]byte, size)...)
	}
	_, _ = rand.NewChaCha8([32]byte{1}).Read(m.file)
	return m
}

// revive starts the programs that do not run, or not with these settings.
func (m *matrix) revive(env []string) {
	m.tb.Helper()
	same := slices.Equal(m.env, env)
	m.env = env
	for n, p := range m.proxies {
		if p.Process != nil && same {
			select {
			case <-p.Exited():
			default:
				continue
			}
		}
		if p.Process != nil {
			p.Kill()
		}
		m.proxies[n] = testserver.Serve(m.tb, m.program, m.store, m.redis, append([]string{
			"CHUNKGATE_S3_TIMEOUT=1s", "CHUNKGATE_S3_WORK_TIMEOUT=2s", "CHUNKGATE_COMMIT_LEASE=3s",
			"CHUNKGATE_SWEEP_INTERVAL=1h", "CHUNKGATE_LOG_LEVEL=WARN",
		}, env...)...)
	}
}

// run uploads by the script with one fault, commits, sweeps what has expired,
// and checks that there is the file and nothing else. What Late held back
// happens when the client has sent all, or when it has committed.
func (m *matrix) run(t *testing.T, c testCase) (calls []string, hit string) {
	m.revive(c.env)
	h := &honest{
		t: t, proxies: m.proxies, path: "dir/file.bin", promise: c.promise, absent: c.absent, unknown: c.unknown,
		split: c.fault == Late || c.at%2 == 0,
	}
	m.trigger.Arm(c.at, c.fault, m.proxies[0].Kill)
	for !h.script(m.file) {
	}
	m.trigger.Release()
	size := int64(len(m.file))
	first := h.commit(size)
	m.trigger.Release()
	calls, hit = m.trigger.Disarm()
	h.turn()
	if again := h.commit(size); again != first {
		t.Errorf("the repeated commit answers %+v, before %+v", again, first)
	}
	m.sweep(t, 49*time.Hour)
	if c.fault == Late { // it may have come when nobody knew of the upload any more
		m.sweep(t, 73*time.Hour)
	}
	m.check(t, testserver.KeyPrefix+h.path)
	return calls, hit
}

// script sends all chunks; false: the upload has to start again.
func (h *honest) script(file []byte) bool {
	at := int64(0)
	for _, size := range chunks {
		if !h.send(at, file[at:at+int64(size)]) {
			return false
		}
		at += int64(size)
	}
	return true
}

// check compares the object and looks for anything that is left.
func (m *matrix) check(t *testing.T, key string) {
	t.Helper()
	if got := teststore.SHA256(t, m.objects, key); got != sha256.Sum256(m.file) {
		t.Errorf("the object is not the file")
	}
	for _, path := range m.front.Opened() {
		open, err := m.objects.Multiparts(t.Context(), keyOf(path))
		if err != nil {
			t.Errorf("list multipart uploads at %s: %v", path, err)
		}
		for _, id := range open { // an empty one costs nothing, and is left
			for part, err := range m.objects.StoredParts(t.Context(), upload.Multipart{Key: keyOf(path), ID: id}) {
				t.Errorf("multipart upload %s is left at %s with part %d, %v", id, path, part.Number, err)
				break
			}
		}
	}
	if refused := m.front.Refused(); len(refused) > 0 {
		t.Errorf("AWS would not have taken the parts %q", refused)
	}
	if keys := teststore.Keys(t, m.objects, ""); !slices.Equal(keys, []string{key}) {
		t.Errorf("objects are %q, want only %q", keys, key)
	}
	m.wantNoneCounted(t)
	left := m.sessions.Keys(t.Context(), "*").Val()
	if left = slices.DeleteFunc(left, func(k string) bool { return strings.HasSuffix(k, ":ping") }); len(left) > 0 {
		t.Errorf("left in Redis: %q", left)
	}
	if err := m.objects.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// wantNoneCounted checks that no upload counts against its owner any more. One
// whose record was never stored is counted until its expiry, in a key that
// vanishes then; when that has passed, a claim forgets it.
func (m *matrix) wantNoneCounted(t *testing.T) {
	t.Helper()
	s := session.New(m.sessions, session.Options{Ahead: func() time.Duration { return 49 * time.Hour }})
	if err := s.Claim(t.Context(), testserver.Owner, "probe", 1, time.Hour); err != nil {
		t.Errorf("claim the only upload: %v", err)
	}
	if err := s.Release(t.Context(), testserver.Owner, "probe"); err != nil {
		t.Error(err)
	}
}

// sweep sweeps past the faults, orphans first, when so much time has passed.
func (m *matrix) sweep(t *testing.T, ahead time.Duration) {
	t.Helper()
	by := func() time.Duration { return ahead }
	c := teststore.Config(session.New(m.sessions, session.Options{Ahead: by}), teststore.Aged(m.objects, by))
	e := upload.New(c)
	_, orphans := e.Orphans(t.Context())
	_, err := e.Sweep(t.Context())
	if err := errors.Join(orphans, err); err != nil {
		t.Errorf("sweep: %v", err)
	}
}
