package faulttest

import (
	"sync"
)

// Fault is what happens to one call of the program to a store.
type Fault string

// The faults. Before and after are seen from the store's effect.
const (
	None       Fault = ""
	Refuse     Fault = "refuse"      // an error at once, no effect
	Hang       Fault = "hang"        // no effect and no answer, until the caller gives up
	LoseAnswer Fault = "lose answer" // the effect, but no answer: the connection breaks
	KillBefore Fault = "kill before" // SIGKILL to the program, no effect
	KillAfter  Fault = "kill after"  // the effect, then SIGKILL to the program
)

// Faults are all of them.
var Faults = []Fault{Refuse, Hang, LoseAnswer, KillBefore, KillAfter}

// Trigger numbers the calls to both stores and makes one of them fail. It is
// safe for concurrent use.
type Trigger struct {
	mu    sync.Mutex
	armed bool
	at    int // number of the call, from 1; 0: none
	what  Fault
	kill  func()
	calls []string // what was called, in order
	hit   string
}

// Arm begins to number calls; the call at that number meets the fault.
func (t *Trigger) Arm(at int, what Fault, kill func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed, t.at, t.what, t.kill, t.calls, t.hit = true, at, what, kill, nil, ""
}

// Disarm ends numbering, and answers the calls so far and which one was hit.
func (t *Trigger) Disarm() (calls []string, hit string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.armed = false
	return t.calls, t.hit
}

// next numbers a call and says what happens to it.
func (t *Trigger) next(op string) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.armed {
		return None
	}
	t.calls = append(t.calls, op)
	if len(t.calls) != t.at {
		return None
	}
	t.hit = op
	return t.what
}

// killNow ends the program and returns when it is dead.
func (t *Trigger) killNow() {
	t.mu.Lock()
	kill := t.kill
	t.mu.Unlock()
	kill()
}
