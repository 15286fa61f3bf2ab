package upload_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

const (
	kib  = 1 << 10
	slab = 64 * kib
)

// atOnce makes an engine whose chunks of 700 KiB and more are several parts.
func atOnce(parallel int, budget int64) func(*upload.Config) {
	return func(c *upload.Config) {
		c.Objects.(*uploadtest.Objects).MinPart = 100 * kib
		c.Limits = upload.Limits{MinPart: 100 * kib, MaxPart: 1 << 30, MaxParts: 1000, MaxChunk: 10 << 20, MaxObject: 1 << 30}
		c.PartsParallel, c.BufferMemory = parallel, budget
	}
}

// TestPartsAtOnce uploads with every kind of budget, from one buffer on. Order
// of bytes, and that no buffer is lost, show in the object.
func TestPartsAtOnce(t *testing.T) {
	sizes := []int{700 * kib, 90 * kib, 1300*kib + 1, 50 * kib, 199 * kib, 600 * kib}
	file := content(7, 3000*kib)
	for _, parallel := range []int{2, 3, 8} {
		for _, budget := range []int64{1, 3 * slab, 16 * slab, 64 << 20} {
			t.Run(fmt.Sprintf("parallel=%d/slabs=%d", parallel, budget/slab), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLab(atOnce(parallel, budget))
					id, at := "", 0
					for _, n := range sizes {
						s := l.mustPut(t, id, int64(at), file[at:at+n])
						id, at = s.ID, at+n
					}
					l.mustCommit(t, id, "file")
					l.wantObject(t, "file", file[:at])
					l.wantOnly(t, "file")
					if lent := l.Lent(); lent != 0 {
						t.Errorf("%d bytes of buffers are still in use", lent)
					}
				})
			})
		}
	}
}

// TestPartsInFlight counts them: as many as asked for while there is memory,
// and one when there is none.
func TestPartsInFlight(t *testing.T) {
	tests := []struct {
		parallel int
		budget   int64
		want     int64
	}{{1, 64 << 20, 1}, {2, 64 << 20, 2}, {4, 64 << 20, 4}, {4, slab, 1}, {4, 20 * slab, 3}}
	for _, test := range tests {
		t.Run(fmt.Sprintf("parallel=%d/slabs=%d", test.parallel, test.budget/slab), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(atOnce(test.parallel, test.budget))
				var now, most atomic.Int64
				l.objects.Fault = func(op, _ string) error {
					if op == uploadtest.OpUploadPart {
						most.Store(max(most.Load(), now.Add(1)))
						time.Sleep(time.Second)
						now.Add(-1)
					}
					return nil
				}
				l.mustPut(t, "", 0, content(1, 2000*kib))
				if most.Load() != test.want {
					t.Errorf("%d parts were in flight at once, want %d", most.Load(), test.want)
				}
			})
		})
	}
}

// TestPartsAtOnceFaults fails each part of a chunk once, before and after its
// effect: it is repeated, unless its bytes were streamed and are gone. Then the
// chunk does not count, and the client's repeat does.
func TestPartsAtOnceFaults(t *testing.T) {
	for _, what := range []fault{refused, lost} {
		for _, budget := range []int64{slab, 8 * slab, 64 << 20} {
			for at := int64(1); at <= 4; at++ {
				t.Run(fmt.Sprintf("%s/slabs=%d/part=%d", what, budget/slab, at), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						l := newLab(atOnce(4, budget))
						var calls atomic.Int64
						failed := func(op, _ string) error {
							if op == uploadtest.OpUploadPart && calls.Add(1) == at {
								return fmt.Errorf("%s: %w", what, upload.ErrUnavailable)
							}
							return nil
						}
						if what == refused {
							l.objects.Fault = failed
						} else {
							l.objects.After = failed
						}
						file := content(3, 1800*kib)
						first := l.mustPut(t, "", 0, file[:90*kib])
						s, err := l.put(first.ID, first.Offset, file[first.Offset:])
						if what == refused && err != nil {
							t.Errorf("no byte was lost, but the chunk is: %v", err)
						}
						if err != nil {
							if !errors.Is(err, upload.ErrUnavailable) {
								t.Fatal(err)
							}
							s = l.mustPut(t, first.ID, first.Offset, file[first.Offset:])
						}
						if calls.Load() < at {
							t.Fatal("the fault did not happen")
						}
						l.mustCommit(t, s.ID, "file")
						l.wantObject(t, "file", file)
						l.wantOnly(t, "file")
					})
				})
			}
		}
	}
}

// TestPartsAtOnceEnd lets a part fail for good: the others are ended, the
// offset stays, and nobody keeps a buffer.
func TestPartsAtOnceEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(atOnce(4, 32*slab))
		broken := errors.New("broken")
		var calls atomic.Int64
		l.objects.Fault = func(op, _ string) error {
			if op != uploadtest.OpUploadPart {
				return nil
			}
			if calls.Add(1) == 2 {
				return broken
			}
			time.Sleep(time.Minute)
			return nil
		}
		first := l.mustPut(t, "", 0, content(1, 50*kib))
		if _, err := l.put(first.ID, first.Offset, content(2, 4000*kib)); !errors.Is(err, broken) {
			t.Fatalf("got %v, want %v", err, broken)
		}
		if n := calls.Load(); n > 4 {
			t.Errorf("%d parts were begun after one had failed for good", n)
		}
		l.objects.Fault = nil
		var all sync.WaitGroup
		for range 8 { // each can wait for buffers for ever
			all.Go(func() { l.mustPut(t, "", 0, content(2, 4000*kib)) })
		}
		all.Wait()
		if lent := l.Lent(); lent != 0 {
			t.Errorf("%d bytes of buffers are still in use", lent)
		}
		if s, err := l.Status(t.Context(), owner, first.ID); err != nil || s.Offset != first.Offset {
			t.Errorf("status is %+v, %v; want the offset %d", s, err, first.Offset)
		}
	})
}

// TestPartsAtOnceShort cuts the client off at some bytes of the chunk.
func TestPartsAtOnceShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(atOnce(3, 64*slab))
		first := l.mustPut(t, "", 0, content(1, 90*kib))
		for has := 0; has < 2000*kib; has += 130 * kib {
			_, err := l.Append(t.Context(), upload.Chunk{
				Owner: owner, ID: first.ID, Offset: first.Offset, Length: 2000 * kib, Body: read(content(2, has))(),
			})
			if !errors.Is(err, upload.ErrShortBody) {
				t.Errorf("cut after %d bytes: got %v, want %v", has, err, upload.ErrShortBody)
			}
		}
		file := append(content(1, 90*kib), content(2, 2000*kib)...)
		l.mustPut(t, first.ID, first.Offset, file[first.Offset:])
		l.mustCommit(t, first.ID, "file")
		l.wantObject(t, "file", file)
	})
}
