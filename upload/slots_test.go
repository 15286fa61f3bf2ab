package upload_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
	"github.com/chunkgate/chunkgate/uploadtest"
)

// pairs is a store that takes one second for every other part and two for the
// rest, and counts those that began while another was under way.
type pairs struct {
	upload.Objects
	first func() // happens when the first part begins

	mu                    sync.Mutex
	now, began, accompany int
}

func (p *pairs) UploadPart(ctx context.Context, m upload.Multipart, n int, size int64, body io.Reader) (upload.Part, error) {
	p.mu.Lock()
	takes := time.Duration(1+p.began%2) * time.Second
	if p.began++; p.began == 1 && p.first != nil {
		p.first()
	}
	if p.now++; p.now > 1 {
		p.accompany++
	}
	p.mu.Unlock()
	time.Sleep(takes)
	p.mu.Lock()
	p.now--
	p.mu.Unlock()
	return p.Objects.UploadPart(ctx, m, n, size, body)
}

// A chunk of many parts, two at once: a part that has arrived makes room for the
// next, so that not only the first two go out together.
func TestPartsAtOnceToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &pairs{}
		l := newLab(atOnce(2, 18*slab), func(c *upload.Config) {
			store.Objects, c.Objects = c.Objects, store
		})
		l.mustPut(t, "", 0, content(1, 4000*kib))
		t.Logf("%d parts, %d beside another", store.began, store.accompany)
		if store.began < 6 || store.accompany < store.began/2 {
			t.Errorf("%d of %d parts went out beside another, want half of them", store.accompany, store.began)
		}
		if lent := l.Lent(); lent != 0 {
			t.Errorf("%d bytes of buffers are still in use", lent)
		}
	})
}

// Memory is short when a chunk of many parts begins, and not any more after the
// first of them: from then on two go out together.
func TestPartsAtOnceAfterMemoryWasShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &pairs{}
		l := newLab(atOnce(2, 18*slab), func(c *upload.Config) {
			store.Objects, c.Objects = c.Objects, store
		})
		enough := make(chan struct{})
		l.sessions.Fault = func(op string) error {
			if op == uploadtest.OpPutPieces {
				<-enough
			}
			return nil
		}
		var others sync.WaitGroup
		for n := range 7 { // each holds two buffers meanwhile
			others.Go(func() {
				_, err := l.Append(t.Context(), upload.Chunk{
					Owner: fmt.Sprint(n), Length: 97 * kib, Body: read(content(1, 97*kib))(),
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		store.first = func() { close(enough) }
		l.mustPut(t, "", 0, content(1, 4000*kib))
		others.Wait()
		if store.accompany < store.began/2-1 {
			t.Errorf("%d of %d parts went out beside another, want almost half of them", store.accompany, store.began)
		}
		if lent := l.Lent(); lent != 0 {
			t.Errorf("%d bytes of buffers are still in use", lent)
		}
	})
}
