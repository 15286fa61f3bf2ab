package upload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Tails is what MoveTails needs of the session store beside Sessions. The same
// store implements both.
type Tails interface {
	// IdleTails looks at a bounded number of uploads, from the one at position
	// from on, and answers those that are open, have bytes of their tail in this
	// store and took no chunk for as long as idle. Each is claimed for a while:
	// nobody else is answered it meanwhile. It deletes the pieces that MoveTail
	// left long enough ago, and answers where to go on, 0 at the end. Positions
	// shift as uploads come and go: one may be missed, until the next time.
	IdleTails(ctx context.Context, from int, idle time.Duration) (idled []Session, next int, err error)

	// MoveTail puts tail, which holds the same bytes, in the place of s.Tail, if
	// the upload is open and offset and tail are still those of s, and says
	// whether it did. Repeating it is harmless. The pieces of fragments that are
	// not in tail are deleted a while later, by IdleTails: they may be being read.
	MoveTail(ctx context.Context, s Session, tail []Fragment) (moved bool, err error)

	// Memory is how many bytes the store uses and how many it may use, of the
	// server that is nearest to its limit; a limit of 0 is none, or unknown.
	Memory(ctx context.Context) (used, limit int64, err error)
}

const (
	// movePages is how many pages of uploads one MoveTails looks at.
	movePages = 10

	// spillSlack is by how many percent of its memory the session store must fall
	// below the share before it gets tails again, or every other chunk would turn
	// the matter around.
	spillSlack = 5

	// spillIdle is the idle time in place of a longer one while the session store
	// is filling up.
	spillIdle = time.Minute
)

// mover is where MoveTails stands.
type mover struct {
	mu   sync.Mutex
	from int // position of the next page
}

// MoveTails moves tails from the session store, which holds them in memory, to
// the object store: those of uploads that were left alone for Config.TailIdle.
// It says how many. It looks at a bounded number of uploads and goes on from
// there at its next call. Before that, it sees whether the store is filling up:
// then chunks that follow put their tails into the object store themselves.
// Any number of engines may do so at once.
func (e *Engine) MoveTails(ctx context.Context) (int, error) {
	if e.cfg.Tails == nil {
		return 0, nil
	}
	m := &e.mover
	m.mu.Lock()
	defer m.mu.Unlock()
	failed := e.watchMemory(ctx)
	idle := e.cfg.TailIdle
	switch {
	case idle == 0:
		return 0, failed
	case e.spilling.Load():
		idle = min(idle, spillIdle)
	}
	moved := 0
	for range movePages {
		idled, next, err := e.cfg.Tails.IdleTails(ctx, m.from, idle)
		if err != nil {
			return moved, errors.Join(failed, err)
		}
		for _, s := range idled {
			ok, err := e.moveTail(ctx, s)
			failed = errors.Join(failed, err)
			if ok {
				moved++
			}
		}
		if m.from = next; next == 0 || ctx.Err() != nil {
			break
		}
	}
	return moved, failed
}

// watchMemory sees how full the session store is.
func (e *Engine) watchMemory(ctx context.Context) error {
	used, limit, err := e.cfg.Tails.Memory(ctx)
	if err != nil {
		return err
	}
	percent := int64(0)
	if limit > 0 {
		percent = int64(100 * float64(used) / float64(limit))
	}
	e.fullness.Store(percent)
	share := int64(e.cfg.TailShare)
	if e.spilling.Load() {
		share -= spillSlack
	}
	full := e.cfg.TailShare > 0 && limit > 0 && percent >= share
	if was := e.spilling.Swap(full); was != full {
		e.cfg.Log.Warn("session store memory", "used", used, "limit", limit, "tails_to_object_store", full)
	}
	return nil
}

// Spilling says whether tails go to the object store because the session store
// is filling up.
func (e *Engine) Spilling() bool { return e.spilling.Load() }

// nearlyFull is the percentage of its memory from which on the session store
// refuses what is larger than a word at any moment.
const nearlyFull = 90

// Remark is what whoever runs the server should know though all is well; "" for
// nothing.
func (e *Engine) Remark() string {
	percent := e.fullness.Load()
	switch {
	case e.spilling.Load():
		return fmt.Sprintf("the session store uses %d %% of its memory: tails go to the object store", percent)
	case percent >= nearlyFull:
		return fmt.Sprintf("the session store uses %d %% of its memory: chunks may be refused", percent)
	}
	return ""
}

// moveTail stores what the session store has of a tail as objects, and lists
// these instead. Whatever came in between, a chunk or a commit, wins.
func (e *Engine) moveTail(ctx context.Context, s Session) (bool, error) {
	var tail, own []Fragment
	var bytes int64
	for rest := s.Tail; len(rest) > 0; {
		n := 0
		for n < len(rest) && rest[n].Place == InSessions {
			n++
		}
		if n == 0 {
			tail, rest = append(tail, rest[0]), rest[1:]
			continue
		}
		f, err := e.moveRun(ctx, s, rest[:n])
		if err != nil {
			e.deleteFragments(ctx, own)
			return false, e.orChanged(err)
		}
		tail, own, rest = append(tail, f), append(own, f), rest[n:]
		bytes += f.Size
	}
	var moved bool
	err := e.retry(ctx, InSessions, always, func() (err error) {
		moved, err = e.cfg.Tails.MoveTail(ctx, s, tail)
		return err
	})
	switch {
	case err != nil: // it may have been done: touch nothing
		return false, fmt.Errorf("list moved tail: %w", err)
	case !moved:
		e.deleteFragments(ctx, own)
		return false, nil
	}
	e.cfg.Observer.Moved(bytes)
	return true, nil
}

// moveRun stores fragments as one object.
func (e *Engine) moveRun(ctx context.Context, s Session, run []Fragment) (Fragment, error) {
	key := e.stagingFolder(s.ID) + "tail/" + e.cfg.NewID()
	f := &tailFeed{ctx: ctx, e: e, s: s, all: spans(run, 0)}
	defer f.close()
	size := tailSize(run)
	err := e.retry(ctx, InObjects, func() bool { return f.rewind(0) }, func() error {
		_, err := e.cfg.Objects.Put(ctx, key, size, f, Attributes{Staged: true}, Condition{})
		return err
	})
	if err != nil {
		e.deleteFragments(ctx, []Fragment{{Place: InObjects, Name: key}}) // it may be there after all
		return Fragment{}, fmt.Errorf("move tail: %w", err)
	}
	return Fragment{Place: InObjects, Name: key, Size: size}, nil
}

// orChanged is nil for an upload that has changed meanwhile: its chunk or its
// commit freed the fragments. What is damaged shows at the next of these.
func (e *Engine) orChanged(err error) error {
	if errors.Is(err, errTailGone) {
		return nil
	}
	return err
}

// rebase makes the attempt one on the session as it stands: its tail was moved
// to other fragments since the attempt began, and its bytes are the same.
func (a *attempt) rebase(ctx context.Context) error {
	s, _, err := a.e.cfg.Sessions.Begin(ctx, Begin{
		ID: a.s.ID, Owner: a.s.Owner, Offset: a.s.Offset,
	})
	if err != nil {
		return err
	}
	was := a.s
	if len(a.parts) > 0 { // where they are, whatever the record says by now
		s.UploadID = was.UploadID
	}
	a.s = s
	moved := translate(spans(a.tail, 0), was.Tail, s.Tail)
	shed := a.shed
	a.tail, a.shed = nil, nil
	for _, f := range shed {
		if !slices.Contains(was.Tail, f) {
			a.shed = append(a.shed, f)
		}
	}
	for len(moved) > 0 {
		n := 0
		for n < len(moved) && !moved[n].whole() {
			n++
		}
		if n == 0 {
			a.tail, moved = append(a.tail, moved[0].Fragment), moved[1:]
			continue
		}
		if err := a.keepAgain(ctx, moved[:n]); err != nil {
			for _, m := range moved {
				a.shed = append(a.shed, m.Fragment) // for undo
			}
			return err
		}
		moved = moved[n:]
	}
	for _, f := range s.Tail {
		if !slices.Contains(a.tail, f) {
			a.shed = append(a.shed, f)
		}
	}
	return nil
}
