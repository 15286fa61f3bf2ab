package upload_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/chunkgate/chunkgate/upload"
)

// fault is what happens at one call of a scripted upload.
type fault string

const (
	refused   fault = "refused"      // the call fails and has no effect
	lost      fault = "answer lost"  // the call has its effect, but fails
	dieBefore fault = "crash before" // this and every later call fails, until the client turns to a replica
	dieAfter  fault = "crash after"  // the call has its effect; later ones fail
	panics    fault = "panic"        // the adapter panics in place of the call
	panicsEnd fault = "panic after"  // the call has its effect, and the adapter panics
)

// breaker makes one numbered call of both stores together fail.
type breaker struct {
	mu    sync.Mutex
	at    int // number of the call, from 1; 0: none
	what  fault
	calls int
	dead  bool
	hit   string // the call that failed
	spent bool   // its answer was lost, too
}

func (b *breaker) before(op string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.dead {
		return fmt.Errorf("%s after the crash: %w", op, upload.ErrUnavailable)
	}
	if b.calls != b.at {
		return nil
	}
	b.hit = op
	b.dead = b.what == dieBefore
	if b.what == panics {
		panic(op + " has a defect")
	}
	if b.what == refused || b.what == dieBefore {
		return fmt.Errorf("%s: %s: %w", op, b.what, upload.ErrUnavailable)
	}
	return nil
}

func (b *breaker) after(op string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	// The tail is fetched beside the call for its part: calls may have come since.
	if b.spent || b.hit != op || b.what == refused || b.what == dieBefore || b.what == panics {
		return nil
	}
	b.spent = true
	if b.what == panicsEnd {
		panic(op + " has a defect")
	}
	b.dead = b.what == dieAfter
	return fmt.Errorf("%s: %s: %w", op, b.what, upload.ErrUnavailable)
}

// foreseen says whether a client may be answered err and repeats what it sent: a
// defect is answered 500.
func (b *breaker) foreseen(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	defect := b.hit != "" && (b.what == panics || b.what == panicsEnd)
	return defect || errors.Is(err, upload.ErrUnavailable) || errors.Is(err, upload.ErrBusy)
}

// heal ends a crash: the client has turned to a replica.
func (b *breaker) heal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = false
}

func (b *breaker) install(l *lab) {
	l.objects.Fault = func(op, _ string) error { return b.before(op) }
	l.objects.After = func(op, _ string) error { return b.after(op) }
	l.sessions.Fault = b.before
	l.sessions.After = b.after
}

// scenario is a scripted upload.
type scenario struct {
	name     string
	promised bool
	absent   bool
	change   func(*upload.Config)
}

var scenarios = []scenario{
	{"staged", false, false, func(*upload.Config) {}},
	{"staged, no overwrite", false, true, func(*upload.Config) {}},
	{"promised", true, false, func(*upload.Config) {}},
	{"promised, no overwrite", true, true, func(*upload.Config) {}},
	{"tail in objects", false, true, func(c *upload.Config) { c.TailInSessions = 0 }},
	{"equal parts", false, true, func(c *upload.Config) { c.Limits.EqualPart = 64 }},
	{"parts at once", false, true, func(c *upload.Config) { c.Limits.MinPart, c.PartsParallel = 20, 2 }},
	{"all tail", false, true, func(c *upload.Config) { c.Limits.MinPart, c.Limits.MaxPart = 40_000, 50_000 }},
}

// TestFaults runs each script once to count its calls, and then once for every
// call and every fault. After the fault an honest client goes on by what it is
// told alone, at a replica.
func TestFaults(t *testing.T) {
	cases := 0
	for _, s := range scenarios {
		calls := 0
		synctest.Test(t, func(t *testing.T) { calls = s.run(t, &breaker{}) })
		for at := 1; at <= calls; at++ {
			for _, what := range []fault{refused, lost, dieBefore, dieAfter, panics, panicsEnd} {
				cases++
				b := &breaker{at: at, what: what}
				ok := t.Run(fmt.Sprintf("%s/%d %s", s.name, at, what), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s.run(t, b)
						if b.hit == "" {
							t.Error("the fault did not happen")
						}
					})
				})
				if !ok {
					t.Logf("the call was %s", b.hit)
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

// run uploads, commits, sweeps, and checks what is left. It answers the number
// of calls.
func (s scenario) run(t *testing.T, b *breaker) int {
	l := newLab(s.change)
	b.install(l)
	c := &honest{t: t, lab: l, b: b, s: s}
	file := content(5, 190)
	for !c.upload(file) {
	}
	c.commit(int64(len(file)))
	calls := b.calls
	c.turn() // whoever crashed after the last answer stays dead
	l.wantObject(t, "file", file)
	c.lab.expire(t)
	l.wantOnly(t, "file")
	if ids, pieces := l.sessions.IDs(), l.sessions.Pieces(); len(ids) > 0 || pieces > 0 {
		t.Errorf("left in the session store: %q and %d pieces", ids, pieces)
	}
	if lent := l.Lent() + c.lab.Lent(); lent != 0 {
		t.Errorf("%d bytes of buffers are never given back", lent)
	}
	return calls
}

// honest is a client that believes what it is told and repeats what failed.
type honest struct {
	t   *testing.T
	lab *lab
	b   *breaker
	s   scenario
	id  string
}

var script = []struct {
	size      int
	announced bool
}{{10, true}, {60, true}, {30, true}, {90, false}, {0, true}}

// upload sends the chunks and says whether it came to the end; it starts again
// when the first chunk's answer, and so the id, was lost.
func (c *honest) upload(file []byte) bool {
	at := 0
	for _, step := range script {
		if !c.chunk(int64(at), file[at:at+step.size], step.announced) {
			return false
		}
		at += step.size
	}
	return true
}

func (c *honest) chunk(offset int64, chunk []byte, announced bool) bool {
	for range 5 {
		body := upload.Chunk{Owner: owner, ID: c.id, Offset: offset, Length: upload.UnknownLength, Body: read(chunk)()}
		if announced {
			body.Length = int64(len(chunk))
		}
		if c.id == "" && c.s.promised {
			body.Destination = "file"
		}
		status, err := served(func() (upload.Status, error) { return c.lab.Append(c.t.Context(), body) })
		var wrong *upload.OffsetError
		switch {
		case err == nil:
			c.id = status.ID
			return true
		case errors.As(err, &wrong) && wrong.Want == offset+int64(len(chunk)):
			return true // it had been accepted
		case !c.b.foreseen(err):
			c.t.Fatalf("chunk at %d: %v", offset, err)
		}
		c.turn()
		if c.id == "" {
			return false
		}
	}
	c.t.Fatalf("chunk at %d is never accepted", offset)
	return false
}

// served is a request as a server runs it, which recovers from panics in the
// request's own goroutine.
func served[T any](request func() (T, error)) (answer T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("500: %v", p)
		}
	}()
	return request()
}

// turn goes to a replica.
func (c *honest) turn() {
	c.b.heal()
	c.lab = c.lab.replica()
}

func (c *honest) commit(size int64) {
	var condition upload.Condition
	condition.Absent = c.s.absent
	for range 5 {
		o, err := served(func() (upload.Object, error) { return c.lab.commitIf(c.id, condition, "file", "file (1)") })
		if err == nil {
			if o.Key != "file" || o.Size != size {
				c.t.Fatalf("commit answers %+v", o)
			}
			return
		}
		if !c.b.foreseen(err) {
			c.t.Fatalf("commit: %v", err)
		}
		c.turn()
	}
	c.t.Fatal("the commit never succeeds")
}
