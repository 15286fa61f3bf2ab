package upload

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
)

// Failures keeps the latest failure of each upload, for whoever runs the
// server: Sessions, which decides, does not need it.
type Failures interface {
	// NoteFailure keeps what went wrong at an upload, and when by the store's
	// clock, in place of what was kept before. One that is not there is no error.
	NoteFailure(ctx context.Context, id, what string) error
}

// A failure is noted in passing: in failureTime, by failureNoters at once, cut
// to failureSize bytes. When stores fail, everything else may fail too, and
// must not be made worse.
const (
	failureTime   = time.Second
	failureNoters = 16
	failureSize   = 400
)

// noteFailure keeps err, if it is a store's fault and not the client's, without
// waiting for it. It is called when something has failed, never on success.
func (e *Engine) noteFailure(ctx context.Context, id, doing string, err error) {
	if e.cfg.Failures == nil || ctx.Err() != nil || !storesFault(err) {
		return
	}
	select {
	case e.noting <- struct{}{}:
	default:
		return // enough is being noted
	}
	e.runs.Go(func() {
		defer func() { <-e.noting }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failureTime)
		defer cancel()
		failed := e.guard("note failure", id, func() error {
			return e.cfg.Failures.NoteFailure(ctx, id, oneLine(doing+": "+err.Error()))
		})
		if failed != nil {
			e.cfg.Log.Debug("failure not noted", "upload", id, "err", failed)
		}
	})
}

// storesFault says whether an error that ends a chunk or a commit is a store's,
// or a defect.
func storesFault(err error) bool {
	var offset *OffsetError
	var invalid *InvalidError
	if errors.As(err, &offset) || errors.As(err, &invalid) {
		return false
	}
	for _, clients := range []error{
		ErrNotFound, ErrCompleted, ErrBusy, ErrConflict, ErrTooLarge, ErrShortBody, ErrIdle,
	} {
		if errors.Is(err, clients) {
			return false
		}
	}
	return true
}

// oneLine is text fit for a line of output, cut to failureSize bytes.
func oneLine(text string) string {
	text = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text), "?")
	if len(text) <= failureSize {
		return text
	}
	return strings.ToValidUTF8(text[:failureSize-len("…")], "") + "…"
}

// proven answers that there is no such upload where its own record proves that
// accepted bytes are gone. Nobody has to look again.
func (e *Engine) proven(ctx context.Context, s Session, err error) error {
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	e.damaged(ctx, s, err)
	return ErrNotFound
}

// damaged notes that accepted bytes are gone, which ends the upload.
func (e *Engine) damaged(ctx context.Context, s Session, cause error) {
	e.cfg.Observer.Damaged()
	e.cfg.Log.Error("upload is damaged", "upload", s.ID, "offset", s.Offset, "err", cause)
	e.noteFailure(ctx, s.ID, "accepted bytes are gone", cause)
}
