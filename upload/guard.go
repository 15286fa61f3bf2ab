package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// errPanic is none of the closed list: a panic is a defect and answers 500.
var errPanic = errors.New("panic")

// guard does work and turns a panic into an error. Go ends the whole process,
// with every other upload in it, for a panic that nobody recovers from, so
// whatever the engine starts in a goroutine of its own runs in a guard.
func (e *Engine) guard(what, id string, work func() error) (err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		err = fmt.Errorf("%w in %s: %v", errPanic, what, p)
		e.cfg.Observer.Defect()
		e.cfg.Log.Error("panic", slog.String("op", what), slog.String("upload", id),
			slog.String("err", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
	}()
	return work()
}

// interrupting calls interrupt, if there is one, when ctx ends before stop is
// called.
func (e *Engine) interrupting(ctx context.Context, interrupt func()) (stop func() bool) {
	if interrupt == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() {
		_ = e.guard("interrupt body", "", func() error { // counted and logged
			interrupt()
			return nil
		})
	})
}
