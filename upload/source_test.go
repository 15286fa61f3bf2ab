package upload

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

// What ended a body is answered in one word of the closed list: another status
// would tell the client to do something else.
func TestSourceSaysOneThing(t *testing.T) {
	words := []error{ErrShortBody, ErrIdle, ErrTooLarge, ErrUnavailable}
	for _, said := range words {
		for _, length := range []int64{10, UnknownLength} {
			s := newSource(Chunk{Body: iotest.ErrReader(fmt.Errorf("body: %w", said)), Length: length}, 16)
			_, err := io.Copy(io.Discard, s)
			for _, word := range words {
				if got := errors.Is(err, word); got != (word == said) {
					t.Errorf("a body that says %v, of %d bytes: is %v: %v", said, length, word, got)
				}
			}
			if again, _ := s.Read(make([]byte, 1)); again != 0 || s.failure() == nil {
				t.Errorf("a body that said %v goes on", said)
			}
		}
	}
}
