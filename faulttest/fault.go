package faulttest

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// Fault is what happens to one call of the program to a store.
type Fault string

// The faults. Before and after are seen from the store's effect.
const (
	None       Fault = ""
	Refuse     Fault = "refuse"      // an error at once, no effect
	Hang       Fault = "hang"        // no effect and no answer, until the caller gives up
	LoseAnswer Fault = "lose answer" // the effect, but no answer: the connection breaks
	Late       Fault = "late"        // the connection breaks, and the effect comes when nobody expects it any more
	Delay      Fault = "delay"       // everything, but slowly
	KillBefore Fault = "kill before" // SIGKILL to the program, no effect
	KillAfter  Fault = "kill after"  // the effect, then SIGKILL to the program
)

// Faults of S3 alone.
const (
	SlowDown       Fault = "slow down"             // 503, where 100-continue is expected: no byte of the body is read
	SlowDownAfter  Fault = "slow down after body"  // 503 when the body was read, no effect
	CutBody        Fault = "cut body"              // the connection breaks in the middle of the body, no effect
	ErrorBody      Fault = "200 with error"        // as Complete may answer on AWS, no effect
	ErrorBodyAfter Fault = "200 with error, after" // the effect, and the same answer
)

// delay is what Delay adds: less than any timeout of the program here.
const delay = 300 * time.Millisecond

var (
	everywhere = []Fault{Refuse, Hang, LoseAnswer, Late, Delay, KillBefore, KillAfter}
	ofS3       = []Fault{SlowDown}
	ofBodies   = []Fault{SlowDownAfter, CutBody}
	ofComplete = []Fault{ErrorBody, ErrorBodyAfter}
)

// Faults are all that can happen to a call, lies (lies.go) included.
func Faults(call string) []Fault {
	all := slices.Clone(everywhere)
	op, atS3 := strings.CutPrefix(call, "S3 ")
	if !atS3 {
		return append(all, redisLies()...)
	}
	all = append(all, ofS3...)
	switch op {
	case uploadPart, putObject:
		all = append(all, ofBodies...)
	case complete:
		all = append(all, ofComplete...)
	}
	return append(all, liesTo(op)...)
}

// Trigger numbers the calls to both stores and makes one of them fail, or that
// one and those that follow it. It is safe for concurrent use.
type Trigger struct {
	mu    sync.Mutex
	armed bool
	at    int // number of the call, from 1; 0: none
	what  Fault
	kill  func()
	calls []string // what was called, in order
	hit   string
	late  func() // what Late holds back

	lasts int      // answers to clients that a lie outlasts; 0: one call is lied to
	lied  []string // the calls that were lied to
}

// Arm begins to number calls; the call at that number meets the fault. A lie
// that lasts meets the store's later calls too, until clients have been answered
// that often.
func (t *Trigger) Arm(at int, what Fault, lasts int, kill func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed, t.at, t.what, t.kill, t.calls, t.hit, t.late = true, at, what, kill, nil, "", nil
	t.lasts, t.lied = lasts, nil
}

// Disarm ends numbering and lying, and answers the calls so far and which one
// was hit.
func (t *Trigger) Disarm() (calls []string, hit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = false
	return t.calls, t.hit
}

// Answered counts a client's answer.
func (t *Trigger) Answered() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hit != "" && t.lasts > 0 {
		t.lasts--
	}
}

// LiedTo says whether a call that begins with op was lied to.
func (t *Trigger) LiedTo(op string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.lied, func(call string) bool { return strings.HasPrefix(call, op) })
}

// Release lets happen what Late holds back, if anything.
func (t *Trigger) Release() {
	t.mu.Lock()
	late := t.late
	t.late = nil
	t.mu.Unlock()
	if late != nil {
		late()
	}
}

// hold keeps an effect for Release.
func (t *Trigger) hold(effect func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late = effect
}

// next numbers a call and says what happens to it.
func (t *Trigger) next(call string) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.armed {
		return None
	}
	t.calls = append(t.calls, call)
	switch {
	case len(t.calls) == t.at:
		t.hit = call
	case t.hit == "" || t.lasts == 0 || !slices.Contains(Faults(call), t.what):
		return None
	}
	if isLie(t.what) {
		t.lied = append(t.lied, call)
	}
	return t.what
}

// killNow ends the program and returns when it is dead.
func (t *Trigger) killNow() {
	t.mu.Lock()
	kill := t.kill
	t.mu.Unlock()
	kill()
}
