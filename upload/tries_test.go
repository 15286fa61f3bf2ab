package upload_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// numberedTries is a store that notes the number of every try of a part, and fails
// those that it is told to, once it has read that much of them.
type numberedTries struct {
	upload.Objects
	mu    sync.Mutex
	fails func(try int) bool
	tries []int
	reads int64
}

func (n *numberedTries) UploadPart(ctx context.Context, m upload.Multipart, number int, size int64, body io.Reader) (upload.Part, error) {
	n.mu.Lock()
	n.tries = append(n.tries, number)
	fails := n.fails(len(n.tries))
	n.mu.Unlock()
	if fails {
		_, _ = io.CopyN(io.Discard, body, n.reads)
		return upload.Part{}, fmt.Errorf("broken off: %w", upload.ErrUnavailable)
	}
	return n.Objects.UploadPart(ctx, m, number, size, body)
}

// wantNumbers checks that no part number was tried twice: what a try that was
// given up still stores would take the place of what counts.
func (n *numberedTries) wantNumbers(t *testing.T) {
	t.Helper()
	slices.Sort(n.tries)
	if once := slices.Compact(slices.Clone(n.tries)); len(once) != len(n.tries) {
		t.Errorf("tried are the numbers %v", n.tries)
	}
}

// Every try of a part has a number of its own, whether parts go out one by one
// or several at once, and whether the tries fail before or after the store read
// some of the body.
func TestTriesHaveTheirOwnNumbers(t *testing.T) {
	for _, parallel := range []int{1, 4} {
		for _, budget := range []int64{slab, 64 << 20} {
			for _, reads := range []int64{0, 10} {
				t.Run(fmt.Sprintf("parallel=%d/slabs=%d/reads=%d", parallel, budget/slab, reads), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						store := &numberedTries{reads: reads, fails: func(try int) bool { return try%2 == 1 }}
						l := newLab(atOnce(parallel, budget), func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
						file := content(1, 2500*kib)
						s := l.mustPut(t, "", 0, file[:90*kib])
						for range 20 {
							now, err := l.put(s.ID, s.Offset, file[s.Offset:])
							if err == nil {
								s = now
								break
							}
							if !errors.Is(err, upload.ErrUnavailable) {
								t.Fatal(err)
							}
						}
						store.fails = func(int) bool { return false }
						if int(s.Offset) < len(file) {
							s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
						}
						store.wantNumbers(t)
						l.mustCommit(t, s.ID, "file")
						l.wantObject(t, "file", file)
					})
				})
			}
		}
	}
}

// A store that takes no part at all: the client is told to repeat, and no part
// is tried more often than there are numbers for it.
func TestNoPartIsTaken(t *testing.T) {
	for _, parallel := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			store := &numberedTries{fails: func(int) bool { return true }}
			l := newLab(atOnce(parallel, 64<<20), func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
			s := l.mustPut(t, "", 0, content(1, 10))
			if _, err := l.put(s.ID, 10, content(2, 2000*kib)); !errors.Is(err, upload.ErrUnavailable) {
				t.Errorf("parallel %d: got %v, want %v", parallel, err, upload.ErrUnavailable)
			}
			store.wantNumbers(t)
			if n := l.Lent(); n > 0 {
				t.Errorf("parallel %d: %d bytes of buffers are still in use", parallel, n)
			}
		})
	}
}

// A client breaks off before a part that would be sent from a buffer is whole:
// the store never hears of it.
func TestNoCallForAPartThatNeverCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(atOnce(4, 64<<20))
		s := l.mustPut(t, "", 0, content(1, 10))
		_, err := l.Append(t.Context(), upload.Chunk{
			Owner: owner, ID: s.ID, Offset: 10, Length: 2000 * kib, Body: read(content(2, 70*kib), fail{upload.ErrIdle})(),
		})
		if !errors.Is(err, upload.ErrIdle) {
			t.Errorf("got %v, want %v", err, upload.ErrIdle)
		}
		if n := l.objects.Calls(uploadtest.OpUploadPart); n > 0 {
			t.Errorf("%d parts were begun", n)
		}
	})
}

// A chunk of unknown length that comes while buffers are short is kept as several
// tail objects, each under a name of its own.
func TestTailObjectsOfOneChunk(t *testing.T) {
	for _, sessions := range []int64{0, 100 * kib} {
		l := newLab(func(c *upload.Config) {
			c.TailInSessions, c.BufferMemory = sessions, 1
			c.Limits.MinPart, c.Limits.MaxPart, c.Limits.MaxChunk = 1000*kib, 2000*kib, 2000*kib
		})
		file := content(1, 600*kib)
		s, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Length: upload.UnknownLength, Body: read(file[:500*kib])()})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(l.objects.Keys()); n < 2 {
			t.Fatalf("the tail is in %d objects, want several", n)
		}
		l.wantListed(t, s.ID)
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
		l.wantListed(t, s.ID)
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		l.wantOnly(t, "file")
	}
}

// Chunks of exactly one piece or several follow each other in the tail, and none
// takes the place of another.
func TestChunksOfWholePieces(t *testing.T) {
	l := newLab(func(c *upload.Config) {
		c.TailInSessions = 2000 * kib
		c.Limits.MinPart, c.Limits.MaxPart, c.Limits.MaxChunk = 1500*kib, 3000*kib, 3000*kib
	})
	file := content(1, 20*slab)
	var s upload.Status
	for n := 1; int(s.Offset) < len(file); n++ {
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:min(len(file), int(s.Offset)+n*slab)])
		l.wantListed(t, s.ID)
		stored, err := l.sessions.Get(t.Context(), s.ID, owner)
		if err != nil {
			t.Fatal(err)
		}
		if len(stored.Tail) != n { // every chunk reads the list
			t.Errorf("%d chunks are %d fragments", n, len(stored.Tail))
		}
	}
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", file)
}

// No multipart upload can be opened: no part is sent to nowhere, and however long
// that lasts, the client is told to repeat.
func TestPartsWithoutMultipartUpload(t *testing.T) {
	for _, parallel := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(atOnce(parallel, 64<<20))
			s := l.mustPut(t, "", 0, content(1, 10))
			l.objects.Fault = func(op, _ string) error {
				if op == uploadtest.OpCreateMultipart {
					return upload.ErrUnavailable
				}
				return nil
			}
			for range 5 {
				if _, err := l.put(s.ID, 10, content(2, 2000*kib)); !errors.Is(err, upload.ErrUnavailable) {
					t.Errorf("parallel %d: got %v, want %v", parallel, err, upload.ErrUnavailable)
				}
				time.Sleep(2 * time.Minute)
			}
			if n := l.objects.Calls(uploadtest.OpUploadPart); n > 0 {
				t.Errorf("parallel %d: %d parts were sent", parallel, n)
			}
			l.objects.Fault = nil
			l.mustPut(t, s.ID, 10, content(2, 2000*kib))
		})
	}
}
