package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// A body of unknown length is taken piece by piece; the pieces that were taken count
// for the largest object, too.
func TestLargestObjectOverPieces(t *testing.T) {
	const most = 9 << 20
	for _, size := range []int{most, most + 1} {
		l := newLab(func(c *upload.Config) {
			c.Limits.MaxChunk, c.Limits.MaxObject, c.BufferMemory = 32<<20, most, 32<<20
			c.Limits.MaxPart, c.OwnerShare = 32<<20, 100
		})
		_, err := l.Append(t.Context(), upload.Chunk{
			Owner: owner, Length: upload.UnknownLength, Body: bytes.NewReader(make([]byte, size)),
		})
		if tooLarge := errors.Is(err, upload.ErrTooLarge); tooLarge != (size > most) || !tooLarge && err != nil {
			t.Errorf("%d bytes of %d: %v", size, most, err)
		}
	}
}

// Chunks get all the part numbers but those kept for commits, and then a commit has
// one of those for each offset that it is tried at.
func TestEveryNumberIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(func(c *upload.Config) { c.Limits.MaxParts, c.Limits.MinPart = 2*64, 500 })
		file := content(1, 64*500+64)
		var s upload.Status
		for range 64 {
			s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:500])
		}
		l.objects.Fault = func(op, key string) error {
			if op == uploadtest.OpComplete {
				return upload.ErrConflict
			}
			return nil
		}
		for range 63 {
			s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:1])
			if _, err := l.commit(s.ID, "file"); err == nil {
				t.Fatal("the commit is done")
			}
		}
		l.objects.Fault = nil
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
	})
}

// A version that kept fewer numbers for commits may have given chunks more of them.
func TestNumbersOfAnOlderVersion(t *testing.T) {
	l := newLab(func(c *upload.Config) { c.Limits.MaxParts = 1000 })
	file := content(1, 70*50+20)
	var s upload.Status
	for range 70 {
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:50])
	}
	l.cfg.Limits.MaxParts = 2 * 64
	l = l.replica()
	s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:])
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", file)
}

// A copy whose last part is a whole one has no empty part behind it.
func TestCopyOfWholeParts(t *testing.T) {
	const part = 50_000 // the largest that there may be
	for _, size := range []int{part - 1, part, part + 1, 2 * part} {
		l := newLab()
		l.mustCommit(t, l.mustPut(t, "", 0, content(1, size)).ID, "file")
		l.wantObject(t, "file", content(1, size))
		if n, want := l.objects.Calls(uploadtest.OpCopyPart), (size+part-1)/part; n != want {
			t.Errorf("%d bytes were copied in %d parts, want %d", size, n, want)
		}
	}
}

// A tail is kept in the session store up to exactly what the operator allows, and
// the metrics say how many bytes are where.
func TestTailAtItsLimit(t *testing.T) {
	const most = 2*slab + 10
	for _, size := range []int{most, most + 1} {
		told := &events{}
		l := newLab(func(c *upload.Config) {
			c.TailInSessions, c.Limits.MinPart, c.Limits.MaxPart, c.Observer = most, 1<<20, 2<<20, told
		})
		l.mustPut(t, "", 0, content(1, size))
		here := int64(size)
		if size > most {
			here = 0
		}
		if told.seen["kept s"] != here || told.seen["kept o"] != int64(size)-here || (l.sessions.Pieces() > 0) != (here > 0) {
			t.Errorf("%d bytes are kept: %v, and %d pieces", size, told.seen, l.sessions.Pieces())
		}
	}
}

// A tail that is read back takes as few round trips as its share of the buffers
// allows: buffers whose bytes were passed on serve for the next ones, and fragments of
// many chunks come together.
func TestLongTailIsReadInFewTrips(t *testing.T) {
	for _, chunk := range []int{4 << 20, 100} {
		l := newLab(func(c *upload.Config) {
			c.Limits.MinPart, c.Limits.MaxPart, c.Limits.MaxChunk, c.TailInSessions = 8<<20, 16<<20, 16<<20, 8<<20
		})
		l.objects.MinPart = l.cfg.Limits.MinPart
		file := content(1, min(4<<20, 60*chunk))
		var s upload.Status
		for int(s.Offset) < len(file) {
			s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:chunk])
		}
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", file)
		if n := l.sessions.Calls(uploadtest.OpGetPieces); n > 8 {
			t.Errorf("some 60 pieces were read in %d round trips", n)
		}
	}
}

// What is left of a buffer that parts were cut from goes into the tail piece by piece,
// wherever it begins.
func TestRestOfABuffer(t *testing.T) {
	l := newLab(func(c *upload.Config) {
		c.Limits.EqualPart, c.Limits.MaxPart, c.Limits.MaxChunk, c.TailInSessions = 200*kib, 200*kib, 1<<20, 1<<20
	})
	file := content(1, 599*kib)
	s, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Length: upload.UnknownLength, Body: read(file)()})
	if err != nil {
		t.Fatal(err)
	}
	l.wantListed(t, s.ID)
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", file)
}

// The owner of a commit that a failover of the session store has undone is answered
// the object that there is: it has more bytes than the record knows of. One that has
// fewer is not what was accepted.
func TestForgottenCommitOfMore(t *testing.T) {
	for _, more := range []int{30, -30} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab()
			id := l.mustPut(t, "", 0, content(1, 100)).ID
			takeOver := l.sessions.Replica()
			l.mustPut(t, id, 100, content(2, 30))
			first := l.mustCommit(t, id, "file")
			if more < 0 {
				short := upload.Attributes{Upload: id}
				if _, err := l.objects.Put(t.Context(), "file", 70, bytes.NewReader(content(1, 70)), short, upload.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			takeOver()
			again, err := l.commit(id, "file")
			if more > 0 && (err != nil || again.ETag != first.ETag || again.Size != first.Size) {
				t.Errorf("the repeat answers %+v, %v; before it was %+v", again, err, first)
			}
			if more < 0 && err == nil {
				t.Errorf("a file of %d bytes is said to be the one of 130", again.Size)
			}
		})
	}
}

// A file that is taken from a certain version of another is stored beside it when
// that has changed: the name that it gets instead must be free.
func TestNextNameMustBeFree(t *testing.T) {
	l := newLab()
	l.mustCommit(t, l.mustPut(t, "", 0, content(1, 20)).ID, "file")
	old, err := l.objects.Head(t.Context(), "file")
	if err != nil {
		t.Fatal(err)
	}
	l.mustCommit(t, l.mustPut(t, "", 0, content(2, 20)).ID, "file")
	l.mustCommit(t, l.mustPut(t, "", 0, content(3, 20)).ID, "file (1)")
	for _, size := range []int{20, 100} { // a Put, and a copy
		o, err := l.commitIf(l.mustPut(t, "", 0, content(4, size)).ID, upload.Condition{Match: old.ETag},
			"file", "file (1)", fmt.Sprint("mine ", size))
		if err != nil || o.Key != fmt.Sprint("mine ", size) {
			t.Errorf("stored as %q, %v; want the first name that is free", o.Key, err)
		}
	}
	l.wantObject(t, "file", content(2, 20))
	l.wantObject(t, "file (1)", content(3, 20))
}

// A file that was stored is not denied because the server is told to stop at the
// moment of the store's answer.
func TestStoredWhileTheServerStops(t *testing.T) {
	l := newLab()
	ctx, stop := context.WithCancel(t.Context())
	l.objects.After = func(op, _ string) error {
		if op == uploadtest.OpPut {
			stop()
		}
		return nil
	}
	_, err := l.Put(ctx, upload.PutRequest{
		CommitRequest: upload.CommitRequest{Owner: owner, Key: func(n int) (string, bool) { return "file", n == 0 }},
		Length:        20, Body: bytes.NewReader(content(1, 20)),
	})
	if err != nil {
		t.Errorf("stored, and answered %v", err)
	}
	l.wantObject(t, "file", content(1, 20))
}

// Each chunk of several parts at once takes numbers that nobody else takes, and no
// more than its parts may need: they are what the size of an object is made of.
func TestNumbersOfPartsAtOnce(t *testing.T) {
	store := &numberedTries{fails: func(int) bool { return false }}
	l := newLab(atOnce(4, 64<<20), func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
	file := content(1, 6000*kib)
	var s upload.Status
	for range 3 {
		draws := l.sessions.Calls(uploadtest.OpDraw)
		s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:][:2000*kib])
		if n := l.sessions.Calls(uploadtest.OpDraw) - draws; n > 1 {
			t.Errorf("a chunk asked for numbers %d times", n)
		}
	}
	store.wantNumbers(t)
	if want := []int{1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23}; !slices.Equal(store.tries, want) {
		t.Errorf("the numbers were %v, want %v", store.tries, want)
	}
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", file)
}

// Other chunks come while the numbers for several parts are drawn: no number is used
// twice.
func TestNumbersOfChunksAtOnce(t *testing.T) {
	store := &numberedTries{fails: func(int) bool { return false }}
	l := newLab(atOnce(4, 64<<20), func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
	s := l.mustPut(t, "", 0, content(1, 10))
	l.before(uploadtest.OpDraw, func() error {
		s = l.mustPut(t, s.ID, 10, content(2, 150*kib))
		s = l.mustPut(t, s.ID, s.Offset, content(4, 150*kib))
		return nil
	})
	var late *upload.OffsetError
	if _, err := l.put(s.ID, 10, content(3, 2000*kib)); !errors.As(err, &late) {
		t.Errorf("got %v, want that another was faster", err)
	}
	store.wantNumbers(t)
	l.mustCommit(t, s.ID, "file")
	l.wantObject(t, "file", slices.Concat(content(1, 10), content(2, 150*kib), content(4, 150*kib)))
}

// A store that breaks off when it has most of a part costs a client that names no
// length nothing, as long as its bytes are in buffers: all of them are sent again.
func TestPartOfUnknownLengthIsSentAgain(t *testing.T) {
	for _, slabs := range []int64{3, 128} { // with 128 there are some for half of a part
		for _, reads := range []int64{150 * kib, 1 << 40} {
			for fails := range 5 {
				synctest.Test(t, func(t *testing.T) {
					store := &numberedTries{reads: reads, fails: func(try int) bool { return try == 1+fails }}
					l := newLab(atOnce(4, slabs*slab), func(c *upload.Config) { store.Objects, c.Objects = c.Objects, store })
					file := content(1, 2500*kib)
					s, err := l.Append(t.Context(), upload.Chunk{Owner: owner, Length: upload.UnknownLength, Body: read(file)()})
					if err != nil || int(s.Offset) != len(file) {
						t.Fatalf("slabs %d, reads %d, fails %d: got %d, %v", slabs, reads, fails, s.Offset, err)
					}
					store.wantNumbers(t)
					l.mustCommit(t, s.ID, "file")
					l.wantObject(t, "file", file)
				})
			}
		}
	}
}

// A tail that is moved again and again is given up on: the client is told to repeat,
// and not held up for ever.
func TestTailThatMovesForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTailsLab()
		s := l.mustPut(t, "", 0, content(1, 20))
		l.sessions.Fault = func(op string) error {
			if op == uploadtest.OpAdvance {
				return upload.ErrMoved
			}
			return nil
		}
		if _, err := l.put(s.ID, 20, content(2, 20)); err == nil {
			t.Error("the chunk is taken")
		}
		if n := l.sessions.Calls(uploadtest.OpAdvance); n > 10 {
			t.Errorf("tried %d times", n)
		}
	})
}

// Many orphans are given to the sweeper in few calls.
func TestOrphansAreGivenTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		nothing := l.sessions.Replica()
		for n := range 250 {
			l.mustPut(t, "", 0, content(uint64(n), 333))
		}
		nothing()
		time.Sleep(ttl + 25*time.Hour)
		if n, err := l.Orphans(t.Context()); n != 250 || err != nil {
			t.Errorf("found %d, %v, want 250", n, err)
		}
		if n := l.sessions.Calls(uploadtest.OpAdopt); n > 4 {
			t.Errorf("given to the sweeper in %d calls", n)
		}
	})
}

// Failures go on being noted, however many there were.
func TestFailuresGoOnBeingNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := &noted{}
		l := newLab(func(c *upload.Config) { c.Failures = failures })
		s := l.mustPut(t, "", 0, content(1, 60))
		l.objects.Fault = func(string, string) error { return upload.ErrUnavailable }
		for range 40 {
			if _, err := l.put(s.ID, 60, content(2, 60)); !errors.Is(err, upload.ErrUnavailable) {
				t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
			}
			synctest.Wait()
		}
		if n := len(failures.seen); n != 40 {
			t.Errorf("%d failures were noted, want 40", n)
		}
	})
}

// An upload whose multipart upload is gone, but held nothing, opens another one. The
// first is ended, too: the store may have been wrong, and nobody else knows of it.
func TestEmptyMultipartUploadThatWasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &denying{}
		l := newLab(func(c *upload.Config) { store.Objects, c.Objects = blind{c.Objects}, store })
		s := l.mustPut(t, "", 0, content(1, 20))
		store.Objects = goneOnce{blind{l.objects}, new(bool)}
		if _, err := l.put(s.ID, 20, content(2, 100)); !errors.Is(err, upload.ErrUnavailable) {
			t.Fatalf("got %v, want %v", err, upload.ErrUnavailable)
		}
		l.mustPut(t, s.ID, 20, content(2, 100))
		l.mustCommit(t, s.ID, "file")
		l.wantObject(t, "file", slices.Concat(content(1, 20), content(2, 100)))
		l.wantNoneOpen(t)
	})
}

// goneOnce is a store that says once that a multipart upload is not there.
type goneOnce struct {
	upload.Objects
	said *bool
}

func (g goneOnce) UploadPart(ctx context.Context, m upload.Multipart, n int, size int64, body io.Reader) (upload.Part, error) {
	if !*g.said {
		*g.said = true
		return upload.Part{}, upload.ErrNotExist
	}
	return g.Objects.UploadPart(ctx, m, n, size, body)
}
