package upload_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// modes are the ways of storing that every basic test runs in.
var modes = []struct {
	name   string
	change func(*upload.Config)
}{
	{"growing parts", func(*upload.Config) {}},
	{"equal parts", func(c *upload.Config) { c.Limits.EqualPart = 500 }},
	{"tail in objects", func(c *upload.Config) { c.TailInSessions = 0 }},
	{"tail in both", func(c *upload.Config) { c.TailInSessions = 20 }},
	{"hardly any memory", func(c *upload.Config) { c.BufferMemory = 1; c.Limits.MinPart = 30_000; c.Limits.MaxPart = 3 << 20 }},
}

// TestUpload sends files in chunks of random sizes, with lengths announced or
// not, and compares what arrives.
func TestUpload(t *testing.T) {
	for _, mode := range modes {
		for _, promised := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/promised=%v", mode.name, promised), func(t *testing.T) {
				for seed := range uint64(40) {
					l := newLab(mode.change)
					l.uploadRandomly(t, seed, promised)
				}
			})
		}
	}
}

func (l *lab) uploadRandomly(t *testing.T, seed uint64, promised bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	file := content(seed, r.IntN(1+200<<(seed%12)))
	var s upload.Status
	for first := true; first || s.Offset < int64(len(file)); first = false {
		c := upload.Chunk{Owner: owner, ID: s.ID, Offset: s.Offset, Length: upload.UnknownLength}
		if first && promised {
			c.Destination = "dir/file"
		}
		chunk := file[s.Offset:min(len(file), int(s.Offset)+r.IntN(1+len(file)/(1+r.IntN(20))))]
		c.Body = bytes.NewReader(chunk)
		if r.IntN(2) == 0 {
			c.Length = int64(len(chunk))
		}
		var err error
		if s, err = l.Append(t.Context(), c); err != nil {
			t.Fatalf("seed %d: append %d bytes at %d: %v", seed, len(chunk), c.Offset, err)
		}
	}
	o := l.mustCommit(t, s.ID, "dir/file")
	if o.Size != int64(len(file)) || o.Key != "dir/file" {
		t.Fatalf("seed %d: commit answers %+v for %d bytes", seed, o, len(file))
	}
	l.wantObject(t, "dir/file", file)
	l.wantOnly(t, "dir/file")
	if again := l.mustCommit(t, s.ID, "dir/file"); again != o {
		t.Errorf("seed %d: repeated commit answers %+v, want %+v", seed, again, o)
	}
}

func TestOffsetMismatch(t *testing.T) {
	l := newLab()
	s := l.mustPut(t, "", 0, content(1, 80))
	for _, offset := range []int64{0, 79, 81, 1 << 40} {
		_, err := l.put(s.ID, offset, content(2, 10))
		var wrong *upload.OffsetError
		if !errors.As(err, &wrong) {
			t.Fatalf("append at %d: %v, want an OffsetError", offset, err)
		}
		if want := (upload.OffsetError{ID: s.ID, Expires: s.Expires, Got: offset, Want: 80}); *wrong != want {
			t.Errorf("got %+v, want %+v", *wrong, want)
		}
	}
	l.mustPut(t, s.ID, 80, nil) // an empty chunk changes nothing
	if s, err := l.put(s.ID, upload.AnyOffset, content(3, 7)); err != nil || s.Offset != 87 {
		t.Errorf("append without offset: %+v, %v", s, err)
	}
}

// A first chunk that does not begin at 0 opens an empty upload (PROTOCOL 3.9).
func TestFirstChunkNotAtZero(t *testing.T) {
	l := newLab()
	_, err := l.put("", 4, content(1, 10))
	var wrong *upload.OffsetError
	if !errors.As(err, &wrong) || wrong.Want != 0 || wrong.ID == "" {
		t.Fatalf("got %v, want an OffsetError with an id", err)
	}
	l.mustPut(t, wrong.ID, 0, content(1, 10))
}

// What ends early, stalls or is too long leaves the upload as it was, and
// nothing behind.
func TestBrokenChunk(t *testing.T) {
	file := content(1, 300)
	broken := []struct {
		name   string
		body   func() io.Reader
		length int64
		want   error
	}{
		{"short", read(file[:99]), 100, upload.ErrShortBody},
		{"short by all", read(nil), 100, upload.ErrShortBody},
		{"cut, unknown length", read(file[:99], fail{io.ErrUnexpectedEOF}), upload.UnknownLength, upload.ErrShortBody},
		{"stalled", read(file[:60], fail{upload.ErrIdle}), 100, upload.ErrIdle},
		{"too long", read(file), 200_001, upload.ErrTooLarge},
		{"too long, unknown length", read(make([]byte, 200_001)), upload.UnknownLength, upload.ErrTooLarge},
	}
	for _, mode := range modes {
		for _, b := range broken {
			t.Run(mode.name+"/"+b.name, func(t *testing.T) {
				l := newLab(mode.change)
				c := upload.Chunk{Owner: owner, Length: b.length, Body: b.body()}
				if _, err := l.Append(t.Context(), c); !errors.Is(err, b.want) {
					t.Errorf("first chunk: %v, want %v", err, b.want)
				}
				l.wantOnly(t)

				s := l.mustPut(t, "", 0, file[:130])
				c = upload.Chunk{Owner: owner, ID: s.ID, Offset: 130, Length: b.length, Body: b.body()}
				if _, err := l.Append(t.Context(), c); !errors.Is(err, b.want) {
					t.Errorf("second chunk: %v, want %v", err, b.want)
				}
				l.mustPut(t, s.ID, 130, file[130:])
				l.mustCommit(t, s.ID, "file")
				l.wantObject(t, "file", file)
				l.wantOnly(t, "file")
			})
		}
	}
}

// read makes readers of b and what follows it.
func read(b []byte, then ...io.Reader) func() io.Reader {
	return func() io.Reader { return io.MultiReader(append([]io.Reader{bytes.NewReader(b)}, then...)...) }
}

// fail is a reader that fails.
type fail struct{ err error }

func (f fail) Read([]byte) (int, error) { return 0, f.err }

// Many clients at one offset: one wins, and the object holds its bytes.
func TestRaceAtOneOffset(t *testing.T) {
	for _, size := range []int{20, 80, 1000} {
		l := newLab()
		s := l.mustPut(t, "", 0, content(99, 30))
		var (
			clients sync.WaitGroup
			mu      sync.Mutex
			winners []int
		)
		for n := range 20 {
			clients.Go(func() {
				_, err := l.put(s.ID, 30, content(uint64(n), size))
				var lost *upload.OffsetError
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					winners = append(winners, n)
				case !errors.As(err, &lost) || lost.Want != int64(30+size):
					t.Errorf("client %d: %v", n, err)
				}
			})
		}
		clients.Wait()
		if len(winners) != 1 {
			t.Fatalf("winners are %v", winners)
		}
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", append(content(99, 30), content(uint64(winners[0]), size)...))
		l.wantOnly(t, "file")
	}
}

func TestForeignAndUnknown(t *testing.T) {
	l := newLab()
	s := l.mustPut(t, "", 0, content(1, 10))
	ctx := t.Context()
	for _, who := range []struct{ owner, id string }{{"mallory", s.ID}, {owner, "unknown"}} {
		_, errAppend := l.Append(ctx, upload.Chunk{Owner: who.owner, ID: who.id, Offset: 10, Body: bytes.NewReader(nil)})
		_, errStatus := l.Status(ctx, who.owner, who.id)
		_, errCommit := l.Commit(ctx, upload.CommitRequest{Owner: who.owner, ID: who.id, Key: func(int) (string, bool) { return "x", true }})
		errDiscard := l.Discard(ctx, who.owner, who.id)
		for _, err := range []error{errAppend, errStatus, errCommit, errDiscard} {
			if !errors.Is(err, upload.ErrNotFound) {
				t.Errorf("%+v: %v, want ErrNotFound", who, err)
			}
		}
	}
	if got, err := l.Status(ctx, owner, s.ID); err != nil || got != s {
		t.Errorf("status is %+v, %v, want %+v", got, err, s)
	}
}

func TestDiscard(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			l := newLab(mode.change)
			s := l.mustPut(t, "", 0, content(1, 333))
			s = l.mustPut(t, s.ID, 333, content(1, 40))
			if err := l.Discard(t.Context(), owner, s.ID); err != nil {
				t.Fatal(err)
			}
			l.wantOnly(t)
			if _, err := l.put(s.ID, s.Offset, nil); !errors.Is(err, upload.ErrNotFound) {
				t.Errorf("append to what was discarded: %v", err)
			}
		})
	}
}

func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		old := l.mustPut(t, "", 0, content(1, 333))
		time.Sleep(time.Hour)
		young := l.mustPut(t, "", 0, content(2, 333))
		time.Sleep(ttl - time.Hour)

		if _, err := l.put(old.ID, old.Offset, nil); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("append to what has expired: %v", err)
		}
		if _, err := l.commit(old.ID, "file"); !errors.Is(err, upload.ErrNotFound) {
			t.Errorf("commit of what has expired: %v", err)
		}
		if n, err := l.Sweep(t.Context()); n != 0 || err != nil {
			t.Fatalf("swept %d, %v, while a last chunk may still be under way", n, err)
		}
		l.mustCommit(t, young.ID, "young")
		time.Sleep(time.Hour)
		if n, err := l.Sweep(t.Context()); n != 1 || err != nil {
			t.Fatalf("swept %d, %v; want 1", n, err)
		}
		if n, err := l.replica().Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("swept again: %d, %v", n, err)
		}
		l.wantOnly(t, "young")
	})
}
