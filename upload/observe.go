package upload

import (
	"errors"
	"time"
)

// Observer is told what only the engine knows. Its methods are called in the
// middle of the work, by many goroutines at once, and must return at once.
type Observer interface {
	Opened()                              // an upload was opened
	Stored(bytes int64)                   // a chunk, or a whole file, counts from now on
	Kept(at Place, bytes int64)           // a run of the tail was stored there
	Moved(bytes int64)                    // so much of a tail went from the session store to the object store
	Retried(at Place)                     // a call to that store is repeated
	Conflicted(over Contest)              // a request lost against the state it found
	Committed(by Way, took time.Duration) // an object appeared
	Freed(because Reason, bytes int64)    // an upload ended without an object; what it held, as far as known
	Damaged()                             // accepted bytes are gone
	Swept(err error)                      // a sweep ended
	Defect()                              // a panic became an error
}

// Way is how an object appeared.
type Way string

// The ways of an object, from the cheapest on.
const (
	Streamed  Way = "streamed"  // a whole file, straight from the client
	Single    Way = "single"    // one Put of what was all tail
	Promised  Way = "promised"  // Complete at the destination named with the first chunk
	Copied    Way = "copied"    // Complete at the staging key, and a copy
	Inherited Way = "inherited" // a dead runner had made it
)

// Contest is what a request can lose.
type Contest string

// The contests.
const (
	OverOffset      Contest = "offset"      // the chunk did not begin where the upload ends
	OverDestination Contest = "destination" // the condition does not hold at a path, or a folder is in the way
)

// Reason is why an upload ended without an object.
type Reason string

// The reasons.
const (
	Discarded Reason = "discarded" // by its client, or by the engine after an error
	Expired   Reason = "expired"
)

// silent observes nothing.
type silent struct{}

func (silent) Opened()                      {}
func (silent) Stored(int64)                 {}
func (silent) Kept(Place, int64)            {}
func (silent) Moved(int64)                  {}
func (silent) Retried(Place)                {}
func (silent) Conflicted(Contest)           {}
func (silent) Committed(Way, time.Duration) {}
func (silent) Freed(Reason, int64)          {}
func (silent) Damaged()                     {}
func (silent) Swept(error)                  {}
func (silent) Defect()                      {}

// observeConflict tells what a request lost, if that is its error.
func (e *Engine) observeConflict(err error) {
	var offset *OffsetError
	switch {
	case errors.As(err, &offset):
		e.cfg.Observer.Conflicted(OverOffset)
	case errors.Is(err, ErrConflict):
		e.cfg.Observer.Conflicted(OverDestination)
	}
}

// observeEnd tells that an upload has ended without an object. Of one that was
// committed, or is being buried again, nothing was left to free.
func (e *Engine) observeEnd(because Reason, s Session) {
	if s.State == Open || s.State == Committing {
		e.cfg.Observer.Freed(because, s.Offset)
	}
}

// Buffers says how many bytes of the budget for buffers are given out, and the
// budget.
func (e *Engine) Buffers() (inUse, budget int64) {
	return int64(e.slabs.inUse()) * slabSize, int64(e.slabs.total) * slabSize
}
