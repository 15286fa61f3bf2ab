package s3backend

import (
	"io"
	"sync"
	"syscall"

	"github.com/chunkgate/chunkgate/internal/splice"
)

// returnable is a request's body that can be taken back from net/http, which
// may hold on to it when the call has returned.
type returnable struct {
	mu sync.Mutex // held while r is read
	r  io.Reader  // nil: taken back
}

// Read implements io.Reader.
func (b *returnable) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.r == nil {
		return 0, errAnswered
	}
	return b.r.Read(p)
}

// spliceable implements direct.
func (b *returnable) spliceable() bool {
	d, ok := b.r.(direct) // by who sends it, before it is taken back
	return ok && d.spliceable()
}

// splice implements direct.
func (b *returnable) splice(p *splice.Pipe, to syscall.RawConn) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.r.(direct)
	if !ok {
		return 0, errAnswered
	}
	return d.splice(p, to)
}

// Close implements io.Closer. net/http calls it when it is done, or gives up.
func (b *returnable) Close() error { return nil }

// takeBack waits for a Read that is under way; later ones fail.
func (b *returnable) takeBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.r = nil
}
