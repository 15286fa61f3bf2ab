package upload_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// pairs is a store that takes one second for every other part and two for the
// rest, and counts those that began while another was under way.
type pairs struct {
	upload.Objects
	mu                    sync.Mutex
	now, began, accompany int
}

func (p *pairs) UploadPart(ctx context.Context, m upload.Multipart, n int, size int64, body io.Reader) (upload.Part, error) {
	p.mu.Lock()
	takes := time.Duration(1+p.began%2) * time.Second
	p.began++
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
