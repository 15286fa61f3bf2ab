package faulttest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
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
	name            string
	promise, absent bool
}

var scenarios = []scenario{
	{"staged, overwrite", false, false},
	{"staged, no overwrite", false, true},
	{"promised, overwrite", true, false},
	{"promised, no overwrite", true, true},
}

// matrix is the stores, the proxies of faults in front of them, and two
// programs, of which the first is killed now and then.
type matrix struct {
	trigger  *Trigger
	program  string
	store    testserver.Store // through the faults
	redis    testserver.Redis // through the faults
	proxies  [2]testserver.Proxy
	objects  *s3backend.Backend // past the faults
	sessions redis.UniversalClient
	file     []byte
}

// TestMatrix runs the script once a scenario to number its calls, and then once
// for every call and every fault. MATRIX=full is all of them; else every call
// meets one fault of the five, in turn.
func TestMatrix(t *testing.T) {
	m := newMatrix(t)
	cases := 0
	for i, s := range scenarios {
		var calls []string
		if !t.Run(s.name+"/no fault", func(t *testing.T) {
			m.run(t, s, 0, None) // Redis learns the scripts
			calls, _ = m.run(t, s, 0, None)
		}) {
			return
		}
		t.Logf("%s: %d calls", s.name, len(calls))
		for at := 1; at <= len(calls); at++ {
			for n, fault := range Faults {
				if os.Getenv("MATRIX") != "full" && n != (at+i)%len(Faults) {
					continue
				}
				cases++
				t.Run(fmt.Sprintf("%s/%d %s/%s", s.name, at, calls[at-1], fault), func(t *testing.T) {
					if _, hit := m.run(t, s, at, fault); hit == "" {
						t.Error("the fault did not happen")
					}
				})
			}
		}
	}
	t.Logf("%d cases", cases)
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	store, server := testserver.MinIO(t), testserver.StartRedis(t)
	m := &matrix{trigger: &Trigger{}, program: testserver.Build(t, "-race=false"), store: store, redis: server}
	m.store.Endpoint = FrontS3(t, store.Endpoint, m.trigger)
	m.redis.URL = FrontRedis(t, server.Addr, m.trigger)
	m.objects = teststore.Open(t, store)
	var err error
	if m.sessions, err = session.Connect(server.URL); err != nil {
		t.Fatal(err)
	}
	for n := range m.proxies {
		m.proxies[n] = m.serve(t)
	}
	for _, size := range chunks {
		m.file = append(m.file, make([]byte, size)...)
	}
	_, _ = rand.NewChaCha8([32]byte{1}).Read(m.file)
	return m
}

func (m *matrix) serve(t *testing.T) testserver.Proxy {
	t.Helper()
	return testserver.Serve(t, m.program, m.store, m.redis,
		"CHUNKGATE_S3_TIMEOUT=1s", "CHUNKGATE_S3_WORK_TIMEOUT=2s", "CHUNKGATE_COMMIT_LEASE=3s", "CHUNKGATE_SWEEP_INTERVAL=1h", "CHUNKGATE_LOG_LEVEL=WARN")
}

// run uploads by the script with one fault, commits, sweeps what has expired,
// and checks that there is the file and nothing else.
func (m *matrix) run(t *testing.T, s scenario, at int, fault Fault) (calls []string, hit string) {
	m.revive(t)
	h := &honest{t: t, proxies: m.proxies, path: "dir/file.bin", promise: s.promise, absent: s.absent}
	m.trigger.Arm(at, fault, m.proxies[0].Kill)
	for !h.script(m.file) {
	}
	h.commit(int64(len(m.file)))
	calls, hit = m.trigger.Disarm()
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

// revive starts the first program again if it was killed.
func (m *matrix) revive(t *testing.T) {
	t.Helper()
	select {
	case <-m.proxies[0].Exited():
		m.proxies[0] = m.serve(t)
	default:
	}
}

// check compares the object, lets everything expire, sweeps, and looks for
// anything that is left.
func (m *matrix) check(t *testing.T, key string) {
	t.Helper()
	if got := teststore.SHA256(t, m.objects, key); got != sha256.Sum256(m.file) {
		t.Errorf("the object is not the file")
	}
	ids, err := m.sessions.ZRange(t.Context(), "chunkgate:deadlines", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	m.sweep(t)
	places := []string{key}
	for _, id := range ids {
		places = append(places, ".chunkgate/"+id+"/object")
	}
	for _, place := range places {
		if open, err := m.objects.Multiparts(t.Context(), place); err != nil || len(open) > 0 {
			t.Errorf("multipart uploads left at %s: %q, %v", place, open, err)
		}
	}
	if keys := teststore.Keys(t, m.objects, ""); !slices.Equal(keys, []string{key}) {
		t.Errorf("objects are %q, want only %q", keys, key)
	}
	left := m.sessions.Keys(t.Context(), "*").Val()
	if left = slices.DeleteFunc(left, func(k string) bool { return strings.HasSuffix(k, ":ping") }); len(left) > 0 {
		t.Errorf("left in Redis: %q", left)
	}
	if err := m.objects.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// sweep sweeps past the faults, by a clock that is two days ahead.
func (m *matrix) sweep(t *testing.T) {
	t.Helper()
	c := teststore.Config(session.New(m.sessions, session.Options{}), m.objects)
	c.Now = func() time.Time { return time.Now().Add(49 * time.Hour) }
	if _, err := upload.New(c).Sweep(t.Context()); err != nil {
		t.Errorf("sweep: %v", err)
	}
}
