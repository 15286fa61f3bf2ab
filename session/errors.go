package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/chunkgate/chunkgate/upload"
)

// unavailable translates what the client or Redis said instead of an answer. It
// is always the same to the caller, be it the network, a timeout, a full pool,
// or Redis that is loading, read-only, out of memory or without a master: the
// call may be repeated, and the cause is for the log. When ctx has ended that
// stays recognisable too, also where the client reports it as a timeout.
func unavailable(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if end := ctx.Err(); end != nil && !errors.Is(err, end) {
		err = fmt.Errorf("%w: %w", end, err)
	}
	return fmt.Errorf("%s: %w: %w", op, upload.ErrUnavailable, err)
}

// senseless says that an answer is none that Redis gives, such as a nil where a
// value belongs. Whoever said it, it proves nothing, and the call may be repeated.
func senseless(op string, answer any) error {
	return fmt.Errorf("%s: %w: unexpected answer %v", op, upload.ErrUnavailable, answer)
}

// verdict maps the status word that every script's answer begins with, and
// answers what follows it.
func verdict(op, id string, answer []any) ([]any, error) {
	if len(answer) == 0 {
		return nil, senseless(op, answer)
	}
	switch answer[0] {
	case "ok":
		return answer[1:], nil
	case "notfound":
		return nil, upload.ErrNotFound
	case "completed":
		return nil, upload.ErrCompleted
	case "busy":
		return nil, upload.ErrBusy
	case "parts":
		return nil, fmt.Errorf("%s: the multipart upload has parts: %w", op, upload.ErrNotExist)
	case "detached":
		return nil, fmt.Errorf("%s: another multipart upload holds the parts: %w", op, upload.ErrNotExist)
	case "damaged":
		return nil, fmt.Errorf("%s: the list of parts is gone: %w", op, upload.ErrDamaged)
	case "lost":
		return nil, fmt.Errorf("%s: Redis was replaced or restarted and has forgotten bytes: %w", op, upload.ErrNotFound)
	case "moved":
		return nil, fmt.Errorf("%s: %w", op, upload.ErrMoved)
	case "forgotten":
		return nil, fmt.Errorf("%s: Redis was replaced or restarted since the attempt began: %w", op, upload.ErrUnavailable)
	case "offset":
		return nil, offsetError(id, answer[1:])
	default:
		return nil, senseless(op, answer)
	}
}

// offsetError reads the answer offset, expires, offset now.
func offsetError(id string, answer []any) error {
	cells := entry{}
	for _, v := range answer {
		cells.cells = append(cells.cells, fmt.Sprint(v))
	}
	e := &upload.OffsetError{ID: id, Expires: cells.time(), Want: cells.size()}
	if err := cells.end(); err != nil {
		return senseless("read offset", answer)
	}
	return e
}

// got completes an *upload.OffsetError with the offset that was asked for.
func got(err error, offset int64) error {
	var e *upload.OffsetError
	if errors.As(err, &e) {
		e.Got = offset
	}
	return err
}
