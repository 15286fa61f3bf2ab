package upload_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// moved counts the bytes of pieces that go to the session store and back.
type moved struct {
	*uploadtest.Sessions
	put, got int64
	longest  int // fragments in a tail that was stored
}

func (m *moved) PutPieces(ctx context.Context, id, name string, first int, pieces [][]byte, expires time.Time) error {
	for _, p := range pieces {
		m.put += int64(len(p))
	}
	return m.Sessions.PutPieces(ctx, id, name, first, pieces, expires)
}

func (m *moved) GetPieces(ctx context.Context, id string, pieces []upload.Piece) error {
	for _, p := range pieces {
		m.got += int64(len(p.Into))
	}
	return m.Sessions.GetPieces(ctx, id, pieces)
}

func (m *moved) Advance(ctx context.Context, a upload.Advance) error {
	m.longest = max(m.longest, len(a.Tail))
	return m.Sessions.Advance(ctx, a)
}

// mostFragments is what a tail may have: every chunk reads the list.
const mostFragments = 72

// What small chunks cost the session store grows with their bytes, and not with
// the square of their number.
func TestSmallChunksMoveFewBytes(t *testing.T) {
	const total = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	sizes := map[string]func(n int) int{
		"random":     func(int) int { return 1 + r.IntN(8<<10) },
		"few large":  func(int) int { return []int{50, 50, 50, 50, 50, 100 << 10}[r.IntN(6)] },
		"decreasing": func(n int) int { return max(1, 3000-n) },
		"increasing": func(n int) int { return 1 + n },
		"one large, then tiny": func(n int) int {
			if n == 0 {
				return total / 2
			}
			return 256
		},
	}
	for _, size := range []int{256, 1 << 10, 5000, 64 << 10, 300 << 10} {
		sizes[fmt.Sprint(size)] = func(int) int { return size }
	}
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			store := &moved{Sessions: uploadtest.NewSessions()}
			l := newLab(func(c *upload.Config) {
				c.Sessions, c.Limits, c.TailInSessions = store, upload.S3Limits(), 8<<20
			})
			file := content(3, total)
			s := upload.Status{}
			chunks := 0
			for ; int(s.Offset) < total; chunks++ {
				end := min(total, int(s.Offset)+size(chunks))
				s = l.mustPut(t, s.ID, s.Offset, file[s.Offset:end])
			}
			// Each time that a byte is stored again its fragment has doubled, and more
			// than that where chunks are alike.
			most := int64(total * (3 + math.Log2(float64(chunks))/4))
			t.Logf("%d chunks: %.1f MiB there, %.1f MiB back, %d fragments", chunks,
				float64(store.put)/(1<<20), float64(store.got)/(1<<20), store.longest)
			if store.put > most || store.got > most {
				t.Errorf("%d bytes in %d chunks move %d bytes there and %d back, want at most %d",
					total, chunks, store.put, store.got, most)
			}
			if store.longest > mostFragments {
				t.Errorf("a tail has %d fragments, want at most %d", store.longest, mostFragments)
			}
			l.mustCommit(t, s.ID, "file")
			l.wantObject(t, "file", file)
		})
	}
}

// Tails are made shorter also when all buffers there are are in use for just
// that: whoever holds one waits for none.
func TestSmallChunksWithHardlyAnyBuffers(t *testing.T) {
	for slabs := range 3 {
		t.Run(fmt.Sprint(1+slabs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { shortenTogether(t, 1+slabs) })
		})
	}
}

func shortenTogether(t *testing.T, slabs int) {
	const owners, chunks = 3, 64
	l := newLab(func(c *upload.Config) {
		c.Limits, c.BufferMemory, c.TailInSessions = upload.S3Limits(), int64(slabs)*64<<10, 8<<20
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	put := func(owner, id string, n int) (upload.Status, error) {
		return l.Append(ctx, upload.Chunk{
			Owner: owner, ID: id, Offset: int64(10 * n), Length: 10, Body: bytes.NewReader(content(uint64(n), 10)),
		})
	}
	ids := make([]string, owners)
	for o := range ids {
		for n := range chunks - 1 {
			s, err := put(fmt.Sprint(o), ids[o], n)
			if err != nil {
				t.Fatal(err)
			}
			ids[o] = s.ID
		}
	}
	// All of them have read some of their tail before any goes on.
	l.sessions.After = func(op string) error {
		if op == uploadtest.OpGetPieces {
			time.Sleep(time.Second)
		}
		return nil
	}
	var all sync.WaitGroup
	for o := range ids {
		all.Go(func() {
			if _, err := put(fmt.Sprint(o), ids[o], chunks-1); err != nil {
				t.Errorf("owner %d: %v", o, errors.Join(err, ctx.Err()))
			}
		})
	}
	all.Wait()
	if lent := l.Lent(); lent != 0 {
		t.Errorf("%d bytes of buffers are still in use", lent)
	}
}
