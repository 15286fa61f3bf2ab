package upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// A file that is streamed is sent again as long as none of its bytes is gone.
// Once they are, the client has to: what is left of a body is not the file.
func TestStreamedFileIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.objects.Fault = func(string, string) error {
			if l.objects.Calls(uploadtest.OpPut) == 1 {
				return fmt.Errorf("refused: %w", upload.ErrUnavailable)
			}
			return nil
		}
		before := time.Now()
		o, err := l.putFile(content(1, 100), true, upload.Condition{})
		if err != nil {
			t.Fatalf("refused before a byte was read: %v", err)
		}
		if o.Key != "f" || o.Size != 100 || o.Modified.Before(before) || o.Modified.After(time.Now()) {
			t.Errorf("answered %+v", o)
		}
		l.wantObject(t, "f", content(1, 100))
	})
}

func TestStreamedFileIsNotRepeatedInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.objects.After = func(op, _ string) error {
			if op == uploadtest.OpPut {
				return fmt.Errorf("answer lost: %w", upload.ErrUnavailable)
			}
			return nil
		}
		if _, err := l.putFile(content(1, 100), true, upload.Condition{}); !errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, upload.ErrUnavailable)
		}
		if n := l.objects.Calls(uploadtest.OpPut); n != 1 {
			t.Errorf("a body that was read is sent %d times", n)
		}
	})
}

// mumbling is a store that answers a body's failure with one of its own.
type mumbling struct{ upload.Objects }

func (m mumbling) Put(ctx context.Context, key string, n int64, body io.Reader, a upload.Attributes, c upload.Condition) (upload.Object, error) {
	o, err := m.Objects.Put(ctx, key, n, body, a, c)
	if err != nil {
		return upload.Object{}, fmt.Errorf("connection closed: %w", upload.ErrUnavailable)
	}
	return o, nil
}

// The client's failure is its own, also when the store says something else of it.
func TestBrokenFileIsTheClients(t *testing.T) {
	for _, clients := range []error{upload.ErrIdle, upload.ErrShortBody} {
		l := newLab(func(c *upload.Config) { c.Objects = mumbling{c.Objects} })
		_, err := l.putFile(content(1, 100), true, upload.Condition{}, fail{clients})
		if !errors.Is(err, clients) || errors.Is(err, upload.ErrUnavailable) {
			t.Errorf("got %v, want %v alone", err, clients)
		}
	}
}

// Files and chunks may be exactly as large as is allowed.
func TestLargestFile(t *testing.T) {
	largest := func(c *upload.Config) { c.Limits.MaxChunk, c.Limits.MaxObject = 100, 100 }
	for _, with := range []upload.Condition{{}, absent} {
		for _, announced := range []bool{true, false} {
			l := newLab(largest)
			if _, err := l.putFile(content(1, 100), announced, with); err != nil {
				t.Errorf("100 of 100 bytes, announced %v: %v", announced, err)
			}
			if _, err := l.putFile(content(1, 101), announced, with); !errors.Is(err, upload.ErrTooLarge) {
				t.Errorf("101 of 100 bytes, announced %v: got %v, want %v", announced, err, upload.ErrTooLarge)
			}
		}
	}
	l := newLab(largest)
	s := l.mustPut(t, "", 0, content(1, 100))
	if _, err := l.put(s.ID, 100, content(1, 1)); !errors.Is(err, upload.ErrTooLarge) {
		t.Errorf("a byte beyond the largest object: got %v, want %v", err, upload.ErrTooLarge)
	}
	l.mustCommit(t, s.ID, "file")
}
