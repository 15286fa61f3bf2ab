package proxy

import (
	"errors"
	"sync"
)

var (
	errFull   = errors.New("as many bodies are being received as there may be")
	errGreedy = errors.New("the owner has its share of bodies in flight")
	errHeavy  = errors.New("the owner has its limit of bytes in flight")
)

// inFlight counts the bodies that are being received, so that a request that is
// one too many is refused before its body is read. The places are shared as
// the engine shares its buffers (upload/share.go): how many an owner may have
// follows from how many are free, so one owner alone never has all, and there
// is one for another. It is safe for concurrent use.
type inFlight struct {
	places int // for bodies, of all owners; 0: any number
	share  int // percent of them that one owner alone may have

	mu     sync.Mutex
	taken  int
	owners map[string]*load // with bodies in flight
}

// load is what an owner has in flight.
type load struct {
	bodies int
	bytes  int64
}

func newInFlight(places, share int) *inFlight {
	return &inFlight{places: places, share: share, owners: make(map[string]*load)}
}

// enter takes a place for a body of some bytes, for an owner that may have most
// bytes in flight; 0 is no limit. One body alone is let in whatever its size,
// or it could never come. Errors: errFull, errGreedy, errHeavy.
func (f *inFlight) enter(owner string, bytes, most int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var own load
	if l := f.owners[owner]; l != nil {
		own = *l
	}
	free := f.places - f.taken
	switch {
	case f.places > 0 && free <= 0:
		return errFull
	case f.places > 0 && own.bodies*(100-f.share) >= f.share*free:
		return errGreedy
	case most > 0 && own.bodies > 0 && own.bytes > most-bytes:
		return errHeavy
	}
	f.taken++
	f.owners[owner] = &load{own.bodies + 1, own.bytes + bytes}
	return nil
}

// leave gives the place back.
func (f *inFlight) leave(owner string, bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.owners[owner]
	f.taken--
	l.bodies--
	l.bytes -= bytes
	if l.bodies == 0 {
		delete(f.owners, owner)
	}
}
