package upload

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// How often a repeat of a commit looks whether the runner is done.
const (
	pollFirst = 50 * time.Millisecond
	pollMost  = time.Second
)

// Commit makes the object appear at its destination. A repeat with the same
// terms answers the same object; while one runs, a repeat waits for it. The
// work goes on when ctx ends; only the waiting ends.
// Errors: ErrNotFound, ErrCompleted, ErrConflict, ErrBusy (ctx ended while the
// commit runs), *InvalidError, ErrUnavailable.
func (e *Engine) Commit(ctx context.Context, r CommitRequest) (Object, error) {
	key, ok := r.Key(0)
	if !ok {
		return Object{}, &InvalidError{Reason: "no destination"}
	}
	runner := e.cfg.NewID()
	for wait := pollFirst; ; wait = min(2*wait, pollMost) {
		c := Commit{Terms: r.Terms, Key: key, Runner: runner}
		s, previous, err := e.cfg.Sessions.BeginCommit(ctx, r.ID, r.Owner, c, e.cfg.Lease)
		switch {
		case err != nil && ctx.Err() != nil:
			return Object{}, fmt.Errorf("%w: %w", ErrBusy, err)
		case err != nil:
			return Object{}, fmt.Errorf("begin commit: %w", err)
		case s.State == Committed:
			return settled(s.Commit, r)
		case s.Commit.Runner == runner:
			return e.await(ctx, e.start(ctx, s, previous, r))
		}
		if err := sleep(ctx, wait); err != nil {
			return Object{}, fmt.Errorf("%w: %w", ErrBusy, err)
		}
	}
}

// settled answers a repeat of a commit that is done.
func settled(c *Commit, r CommitRequest) (Object, error) {
	if c.Terms != r.Terms {
		return Object{}, ErrCompleted
	}
	o := *c.Result
	o.Upload = r.ID
	return o, nil
}

type outcome struct {
	object Object
	err    error
}

// start runs the commit under a context of its own: a client that hangs up
// does not cut it (PEERS, tusd#1172).
func (e *Engine) start(ctx context.Context, s Session, previous *Commit, r CommitRequest) <-chan outcome {
	done := make(chan outcome, 1)
	e.runs.Go(func() {
		ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		run := &run{e: e, s: s, r: r, commit: *s.Commit, cancel: cancel, begun: time.Now()}
		if previous != nil { // until it is known what that one left, it must not be forgotten
			run.commit.Terms, run.commit.Key, run.commit.Copy = previous.Terms, previous.Key, previous.Copy
		}
		var object Object
		err := e.guard("commit", s.ID, func() (err error) {
			object, err = run.do(ctx, previous)
			return err
		})
		if err != nil {
			e.noteFailure(ctx, s.ID, "commit to "+run.commit.Key, err)
		}
		done <- outcome{object, err}
	})
	return done
}

func (e *Engine) await(ctx context.Context, done <-chan outcome) (Object, error) {
	select {
	case o := <-done:
		return o.object, o.err
	case <-ctx.Done():
		return Object{}, fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

// sleep waits, or says why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do publishes the object and stores the outcome. The object of a dead runner
// is stored under that one's terms.
func (r *run) do(ctx context.Context, previous *Commit) (object Object, err error) {
	stop := r.keepLease(ctx)
	defer stop()
	err = r.e.guard("commit", r.s.ID, func() error {
		if object, err = r.find(ctx, previous); err == nil {
			object, err = r.end(ctx, object)
		}
		return err
	})
	switch {
	case err != nil:
		return Object{}, r.fail(ctx, r.orLost(ctx, err))
	case r.state().Terms != r.r.Terms:
		return Object{}, ErrCompleted
	}
	return object, nil
}

// find is the object of a dead runner, or one that is made now.
func (r *run) find(ctx context.Context, previous *Commit) (Object, error) {
	if previous == nil {
		return r.make(ctx)
	}
	done, mine, err := r.resolve(ctx, previous)
	switch {
	case errors.Is(err, errWrongSize):
		return Object{}, err
	case err != nil:
		return Object{}, fmt.Errorf("resolve earlier commit: %w: %w", ErrUnavailable, err)
	case mine:
		r.way = Inherited
		return done, nil
	}
	own := func(c *Commit) { c.Terms, c.Key, c.Copy = r.s.Commit.Terms, r.s.Commit.Key, Multipart{} }
	if err := r.update(ctx, own); err != nil {
		return Object{}, err
	}
	return r.make(ctx)
}

// errForgotten: an upload is in doubt (Session.Doubt).
var errForgotten = errors.New("the session store may have forgotten what it accepted last")

// make publishes the object, unless it might be too short: a commit names no
// size, so bytes that the session store has forgotten would go unnoticed. The
// store may also have forgotten an earlier commit, and the object be there.
func (r *run) make(ctx context.Context) (Object, error) {
	if !r.s.Doubt {
		return r.publish(ctx)
	}
	object, mine, err := r.own(ctx, r.s.Commit.Key)
	if mine || err != nil {
		r.way = Inherited
		return object, err
	}
	// Nothing is given up by this: the client may go on where the record stands.
	r.e.damaged(ctx, r.s, errForgotten)
	return Object{}, ErrNotFound
}

// resolve finds out what a dead runner left: its object, or nothing at all.
func (r *run) resolve(ctx context.Context, previous *Commit) (o Object, mine bool, err error) {
	if previous.Copy.ID != "" {
		// Whatever that runner still does, its object cannot appear after this.
		if err := r.e.cfg.Objects.Abort(ctx, previous.Copy); err != nil {
			return Object{}, false, fmt.Errorf("abort earlier copy: %w", err)
		}
	}
	return r.own(ctx, previous.Key)
}

// own is the object at key, if this upload made it. Where the store does not
// take the name, nothing can be. Errors: errWrongSize.
func (r *run) own(ctx context.Context, key string) (o Object, mine bool, err error) {
	o, err = r.e.cfg.Objects.Find(ctx, key)
	var refused *InvalidError
	switch {
	case errors.Is(err, ErrNotExist), errors.As(err, &refused):
		return Object{}, false, nil
	case err != nil:
		return Object{}, false, err
	case o.Upload != r.s.ID:
		return Object{}, false, nil
	}
	return o, true, r.whole(o)
}

// whole says errWrongSize of an object of this upload that is not as long as
// what was accepted: it is no success, whoever wrote it. A session store that
// may have forgotten the last chunks may have forgotten their commit as well.
func (r *run) whole(o Object) error {
	if o.Size != r.s.Offset && !(r.s.Doubt && o.Size > r.s.Offset) {
		return fmt.Errorf("%q has %d bytes, %d were accepted: %w", o.Key, o.Size, r.s.Offset, errWrongSize)
	}
	return nil
}

// end stores the result; only then what was staged is removed.
func (r *run) end(ctx context.Context, object Object) (Object, error) {
	if object.Modified.IsZero() {
		object.Modified = r.e.cfg.Now()
	}
	// As a repeat will be answered: session stores keep milliseconds.
	object.Modified = object.Modified.Truncate(time.Millisecond)
	object.Upload, object.Type = r.s.ID, ""
	c := r.state()
	c.Result, c.Tidied = &object, r.way != Inherited && !r.litters()
	err := r.e.retry(ctx, InSessions, always, func() error { return r.e.cfg.Sessions.EndCommit(ctx, r.s.ID, c) })
	if err != nil {
		return Object{}, fmt.Errorf("store result of commit: %w", superseded(err))
	}
	r.e.cfg.Observer.Committed(r.way, time.Since(r.begun))
	r.e.release(ctx, r.s)
	if r.litters() && r.tidy(ctx) && r.way != Inherited { // who died may have left more
		c.Tidied = true // one call now spares the sweeper several to the object store
		if err := r.e.cfg.Sessions.EndCommit(ctx, r.s.ID, c); err != nil {
			r.e.note("tell that all is tidied up", r.s.ID, err)
		}
	}
	return object, nil
}

// fail opens the upload again, so that the client may commit elsewhere
// (PROTOCOL 3.8). When it is not certain that no object appeared, as after a
// panic, only the lease ends: whoever commits next looks first.
func (r *run) fail(ctx context.Context, err error) error {
	if errors.Is(err, ErrBusy) { // it is another runner's commit now
		return err
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
	}
	c := r.state()
	var failed error
	if errors.Is(err, ErrUnavailable) || errors.Is(err, errPanic) {
		failed = r.e.cfg.Sessions.UpdateCommit(context.WithoutCancel(ctx), r.s.ID, c, 0, r.s.Sealed)
	} else {
		failed = r.e.cfg.Sessions.Reopen(ctx, r.s.ID, c.Runner)
	}
	if failed != nil {
		r.e.note("give up commit", r.s.ID, failed)
	}
	return err
}

// superseded says ErrBusy where the session store says that the commit is not
// this runner's any more: another has taken over.
func superseded(err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("taken over by another runner: %w", ErrBusy)
	}
	return err
}
