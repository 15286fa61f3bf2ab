package upload

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func TestBufferFill(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 3*slabSize/16)
	content = append(content, "rest"...)
	s := newSlabs(16*slabSize, 0)
	b := &buffer{slabs: s.of("ada")}
	ended, err := b.fill(t.Context(), bytes.NewReader(content), 1<<30)
	if err != nil || !ended || b.size != int64(len(content)) {
		t.Fatalf("filled %d bytes, ended %v, %v", b.size, ended, err)
	}
	if got := len(b.pieces()); got != 4 {
		t.Errorf("got %d pieces, want 4", got)
	}
	for range 2 { // a buffer can go back
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
		b.rewind(0)
	}
	b.free()
	if s.free != 16 || len(s.owners) != 0 {
		t.Errorf("%d of 16 slabs are free, %d owners are known", s.free, len(s.owners))
	}
}

// Half of the budget is for those who hold nothing: a greedy one stops there.
func TestBufferFillStopsAtHalfTheBudget(t *testing.T) {
	s := newSlabs(8*slabSize, 0)
	greedy := &buffer{slabs: s.of("greedy")}
	if ended, err := greedy.fill(t.Context(), zeros{}, 1<<30); ended || err != nil {
		t.Fatal(ended, err)
	}
	if greedy.size != 4*slabSize {
		t.Errorf("a greedy buffer got %d slabs of 8, want 4", greedy.size/slabSize)
	}
	for _, owner := range []string{"greedy", "greedy", "ada", "bob"} {
		b := &buffer{slabs: s.of(owner)}
		if _, err := b.fill(t.Context(), zeros{}, slabSize); err != nil || b.size != slabSize {
			t.Errorf("under pressure %s got %d bytes, %v; want one slab", owner, b.size, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (&buffer{slabs: s.of("carl")}).fill(ctx, zeros{}, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a slab too many, want to wait until ctx ends", err)
	}
}

func TestSource(t *testing.T) {
	odd := errors.New("odd")
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		read   int64
		err    error
	}{
		{"as announced", bytes.NewReader(make([]byte, 10)), 10, 10, nil},
		{"never past the length", bytes.NewReader(make([]byte, 12)), 10, 10, nil},
		{"short", bytes.NewReader(make([]byte, 9)), 10, 9, ErrShortBody},
		{"unknown length", bytes.NewReader(make([]byte, 16)), UnknownLength, 16, nil},
		{"unknown length, one too many", bytes.NewReader(make([]byte, 17)), UnknownLength, 17, ErrTooLarge},
		{"unknown length, far too many", iotest.HalfReader(bytes.NewReader(make([]byte, 40))), UnknownLength, 17, ErrTooLarge},
		{"the end comes with the last bytes", iotest.DataErrReader(bytes.NewReader(make([]byte, 10))), 10, 10, nil},
		{"empty", bytes.NewReader(nil), 0, 0, nil},
		{"stalled", iotest.ErrReader(ErrIdle), 10, 0, ErrIdle},
		{"odd failure", iotest.ErrReader(odd), 10, 0, ErrShortBody},
		{"odd failure, unknown length", iotest.ErrReader(odd), UnknownLength, 0, odd},
		{"byte by byte", iotest.OneByteReader(bytes.NewReader(make([]byte, 10))), 10, 10, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSource(Chunk{Body: test.body, Length: test.length}, 16)
			n, err := io.Copy(io.Discard, s)
			if n != test.read || !errors.Is(err, test.err) {
				t.Errorf("read %d bytes, %v; want %d, %v", n, err, test.read, test.err)
			}
			if !errors.Is(s.failure(), test.err) {
				t.Errorf("the failure is %v, want %v", s.failure(), test.err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// A slow client is given no further slab while it fills one.
func TestBufferFillOfASlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlabs(16*slabSize, 0)
		b := &buffer{slabs: s.of("ada")}
		r := readerFunc(func(p []byte) (int, error) {
			time.Sleep(slow)
			return min(len(p), slabSize/4), nil
		})
		if ended, err := b.fill(t.Context(), r, 4*slabSize); ended || err != nil || b.size != slabSize {
			t.Errorf("got %d bytes, ended %v, %v; want one slab", b.size, ended, err)
		}
	})
}

// A client that is a little slow each time is not slow: it gets a slab for every one
// that it fills in time.
func TestBufferFillOfASteadyClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlabs(16*slabSize, 0)
		b := &buffer{slabs: s.of("ada")}
		r := readerFunc(func(p []byte) (int, error) {
			time.Sleep(slow / 2)
			return len(p), nil
		})
		const most = 3*slabSize + 10
		if _, err := b.fill(t.Context(), r, most); err != nil || b.size != most {
			t.Errorf("got %d bytes, %v; want %d", b.size, err, most)
		}
	})
}

// Who has to wait for a buffer waits before the client is asked for a byte.
func TestBufferFillAsksForRoomFirst(t *testing.T) {
	s := newSlabs(slabSize, 0)
	held := &buffer{slabs: s.of("ada")}
	if _, err := held.fill(t.Context(), zeros{}, slabSize); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &buffer{slabs: s.of("bob")}
	asked := readerFunc(func([]byte) (int, error) {
		t.Error("the client was asked for bytes that there is no room for")
		return 0, io.EOF
	})
	if _, err := b.fill(ctx, asked, slabSize); err == nil {
		t.Error("there was room")
	}
	held.free()
	if ended, err := b.fill(t.Context(), zeros{}, slabSize); ended || err != nil || b.size != slabSize {
		t.Errorf("got %d bytes, ended %v, %v; want one slab", b.size, ended, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
