package session

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/chunkgate/chunkgate/upload"
)

// TestUnavailable keeps the end of a context recognisable where the client
// reports only what it did to the connection.
func TestUnavailable(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := unavailable(ended, "get", os.ErrDeadlineExceeded)
	for _, want := range []error{upload.ErrUnavailable, context.Canceled, os.ErrDeadlineExceeded} {
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v in it", err, want)
		}
	}
	if err := unavailable(ended, "get", nil); err != nil {
		t.Errorf("got %v, want what succeeded to stay a success", err)
	}
	const want = "get: storage unavailable: i/o timeout"
	if err := unavailable(t.Context(), "get", os.ErrDeadlineExceeded); err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// TestSenseless: an answer that Redis never gives proves nothing and ends nothing,
// whoever gave it.
func TestSenseless(t *testing.T) {
	for name, err := range map[string]error{
		"no number":           second(numbers(nil, 1)),
		"number 0":            second(numbers([]any{int64(0)}, 1)),
		"another kind":        second(numbers([]any{"7"}, 1)),
		"no record":           second(sessionIn(nil, 0, "u")),
		"half a record":       second(sessionIn([]any{[]any{"owner"}}, 0, "u")),
		"a nil in a record":   second(sessionIn([]any{[]any{"owner", nil}}, 0, "u")),
		"no list":             second(partsIn([]any{nil})),
		"a part that is none": second(partsIn([]any{nil, []any{int64(1)}})),
	} {
		if !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, upload.ErrUnavailable)
		}
	}
	one := encodePart(upload.Part{Number: 1, Size: 5})
	if parts, err := partsIn([]any{nil, []any{one, one}}); err == nil { // the store would refuse it at the end
		t.Errorf("a part that is listed twice: got %v, want an error", parts)
	}
}

func second[T any](_ T, err error) error { return err }
