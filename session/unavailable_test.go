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
}
