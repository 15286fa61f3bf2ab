package metrics

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// What is a store's failure, and what is not.
func TestEnding(t *testing.T) {
	for want, errs := range map[string][]error{
		ok: {nil},
		refused: {
			upload.ErrNotFound, upload.ErrNotExist, upload.ErrConflict, upload.ErrCompleted, upload.ErrBusy, upload.ErrTooLarge,
			&upload.OffsetError{}, &upload.InvalidError{Reason: "no"},
		},
		canceled:    {context.Canceled, upload.ErrShortBody, upload.ErrIdle, fmt.Errorf("%w: %w", upload.ErrUnavailable, context.Canceled)},
		unavailable: {upload.ErrUnavailable, context.DeadlineExceeded, fmt.Errorf("%w: %w", upload.ErrUnavailable, upload.ErrNotExist)},
		failed:      {errors.New("x"), upload.ErrDamaged},
	} {
		for _, err := range errs {
			if got := ending(err); got != want {
				t.Errorf("%v is %s, want %s", err, got, want)
			}
			if err == nil {
				continue
			}
			if got := ending(fmt.Errorf("head: %w", err)); got != want {
				t.Errorf("%v, wrapped, is %s, want %s", err, got, want)
			}
		}
	}
}
