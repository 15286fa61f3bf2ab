package faulttest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
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

// lanes is how many cases run at once, each over stores of its own: most of a
// case is waiting.
const lanes = 6

// share is how many of the cases make test tries: one in so many. MATRIX=full
// tries all.
const share = 64

// lasting is how many answers to clients a lie outlasts that lasts: one, and
// the repeat of what it refused.
const lasting = 2

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
				sound := t.Run(c.String(), func(t *testing.T) {
					for range runs {
						if _, hit := m.run(t, c); hit != "" {
							return
						}
					}
					t.Errorf("the fault did not happen in %d runs", runs)
				})
				if !sound {
					m.reset(t)
				}
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
	lasts int // of a lie
}

func (c testCase) String() string {
	name := fmt.Sprintf("%s/%d %s/%s", c.name, c.at, c.call, c.fault)
	if c.lasts > 0 {
		name += " for a while"
	}
	return name
}

// tried says whether make test tries a case.
func (c testCase) tried() bool {
	if os.Getenv("MATRIX") == "full" {
		return true
	}
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, c.String())
	return sum.Sum32()%share == 0
}

// cases runs every scenario without a fault and answers what can happen.
func (m *matrix) cases(t *testing.T) []testCase {
	t.Helper()
	var all []testCase
	for _, s := range scenarios {
		t.Run(s.name+"/no fault", func(t *testing.T) {
			calls := m.number(t, s)
			t.Logf("%d calls", len(calls))
			seen := make(map[string]bool)
			for i, call := range calls {
				for _, fault := range Faults(call) {
					all = append(all, testCase{s, i + 1, call, fault, 0})
					// It goes on for the later calls of that name, too.
					if isLie(fault) && !seen[call] {
						all = append(all, testCase{s, i + 1, call, fault, lasting})
					}
				}
				seen[call] = true
			}
		})
	}
	return slices.DeleteFunc(all, func(c testCase) bool { return !c.tried() })
}

// runs is how often a scenario may run until it makes the calls that are looked
// for. On a machine that is busy with other work, one run may make a call more
// than another: something took so long that it was done again.
const runs = 8

// number answers the calls of a scenario when nothing goes wrong: what two runs
// after another both make.
func (m *matrix) number(t *testing.T, s scenario) []string {
	t.Helper()
	m.run(t, testCase{scenario: s}) // Redis learns the scripts
	before, _ := m.run(t, testCase{scenario: s})
	for range runs {
		calls, _ := m.run(t, testCase{scenario: s})
		if slices.Equal(slices.Sorted(slices.Values(before)), slices.Sorted(slices.Values(calls))) {
			return calls
		}
		before = calls
	}
	t.Fatalf("no two runs of %d make the same calls", runs)
	return nil
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
}

func newMatrix(t *testing.T, program string) *matrix {
	t.Helper()
	store, server := testserver.MinIO(t), testserver.StartRedis(t)
	m := &matrix{tb: t, trigger: &Trigger{}, program: program, store: store, redis: server}
	m.front = FrontS3(t, store.Endpoint, m.trigger)
	m.store.Endpoint = m.front.URL
	replica := testserver.StartRedis(t, "--replicaof", "127.0.0.1", "1") // of nobody: it stays empty
	m.redis.URL = FrontRedis(t, server.Addr, replica.Addr, m.trigger) + "?read_timeout=2s"
	m.objects = teststore.Open(t, store)
	var err error
	if m.sessions, err = session.Connect(server.URL); err != nil {
		t.Fatal(err)
	}
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
			// Longer than an honest call takes on a machine that is busy with other work.
			"CHUNKGATE_S3_TIMEOUT=2s", "CHUNKGATE_S3_WORK_TIMEOUT=4s",
			// What comes at any moment, as a lease's renewal after a third of it, would number the calls anew each time.
			"CHUNKGATE_COMMIT_LEASE=9s", "CHUNKGATE_SWEEP_INTERVAL=1h", "CHUNKGATE_TAIL_IDLE=0", "CHUNKGATE_LOG_LEVEL=WARN",
		}, env...)...)
	}
}

// run lets a client do what the scenario wants, with one fault or one lie,
// sweeps what has expired, and checks that there is what must be and nothing else.
func (m *matrix) run(t *testing.T, c testCase) (calls []string, hit string) {
	m.revive(c.env)
	m.prepare(t, c.scenario)
	h := &honest{
		t: t, proxies: m.proxies, path: path, promise: c.promise, absent: c.absent, unknown: c.unknown, taken: c.taken,
		split: c.fault == Late || c.at%2 == 0, answered: m.trigger.Answered,
	}
	file := content(c.chunks)
	m.trigger.Arm(c.at, c.fault, c.lasts, m.proxies[0].Kill)
	var want files
	if c.do != nil {
		want = c.do(m, h, file)
	} else {
		want = m.upload(h, c.chunks, file)
	}
	m.trigger.Release()
	calls, hit = m.trigger.Disarm()
	if isLie(c.fault) {
		m.wantAlive(t)
	}
	m.sweep(t, 49*time.Hour)
	// What came late, or what nobody knew of when the upload was forgotten, is
	// nobody's any more: an orphan.
	m.sweep(t, 73*time.Hour)
	m.check(t, want)
	return calls, hit
}

// reset frees the next case from what a failed one has left.
func (m *matrix) reset(t *testing.T) {
	t.Helper()
	m.trigger.Disarm()
	m.trigger.Release()
	for _, p := range m.proxies {
		p.Kill()
	}
	m.sessions.FlushDB(t.Context())
	for _, path := range m.front.Opened() {
		open, _ := m.objects.Multiparts(t.Context(), keyOf(path))
		for _, id := range open {
			_ = m.objects.Abort(t.Context(), upload.Multipart{Key: keyOf(path), ID: id})
		}
	}
	if left := teststore.Keys(t, m.objects, ""); len(left) > 0 {
		if err := m.objects.Delete(t.Context(), left...); err != nil {
			t.Fatal(err)
		}
	}
}

// wantAlive checks that no lie has ended a program.
func (m *matrix) wantAlive(t *testing.T) {
	t.Helper()
	for _, p := range m.proxies {
		select {
		case <-p.Exited():
			t.Errorf("the program has ended:\n%s", p.Output())
		default:
		}
	}
}

// check compares the files that there must be and looks for anything that is
// left.
func (m *matrix) check(t *testing.T, want files) {
	t.Helper()
	var keys []string
	for path, content := range want {
		key := testserver.KeyPrefix + path
		keys = append(keys, key)
		if teststore.SHA256(t, m.objects, key) != sha256.Sum256(content) {
			t.Errorf("%s is not what was sent", path)
		}
	}
	slices.Sort(keys)
	m.wantNoParts(t)
	if refused := m.front.Refused(); len(refused) > 0 {
		t.Errorf("AWS would not have taken the parts %q", refused)
	}
	there := teststore.Keys(t, m.objects, "")
	if !slices.Equal(there, keys) {
		t.Errorf("objects are %q, want only %q", there, keys)
	}
	m.wantNoneCounted(t)
	left := m.sessions.Keys(t.Context(), "*").Val()
	if left = slices.DeleteFunc(left, func(k string) bool { return strings.HasSuffix(k, ":ping") }); len(left) > 0 {
		t.Errorf("left in Redis: %q", left)
	}
	if len(there) > 0 {
		if err := m.objects.Delete(t.Context(), there...); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNoParts checks that no multipart upload holds bytes.
func (m *matrix) wantNoParts(t *testing.T) {
	t.Helper()
	for _, path := range m.front.Opened() {
		open, err := m.objects.Multiparts(t.Context(), keyOf(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range open {
			for part, err := range m.objects.StoredParts(t.Context(), upload.Multipart{Key: keyOf(path), ID: id}) {
				t.Errorf("a multipart upload left at %s holds part %d, %v", path, part.Number, err)
				break
			}
			// An empty one costs nothing, and is left: it would only be listed again.
			_ = m.objects.Abort(t.Context(), upload.Multipart{Key: keyOf(path), ID: id})
		}
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
