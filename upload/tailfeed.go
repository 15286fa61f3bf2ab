package upload

import "context"

// tailFeed is a run of stored bytes as a feed: it goes back by reading them
// again.
type tailFeed struct {
	ctx context.Context
	e   *Engine
	s   Session
	all []span
	pos int64       // bytes; of the next Read
	r   *tailReader // nil: none yet
}

func (t *tailFeed) Read(p []byte) (int, error) {
	if t.r == nil {
		t.r = t.e.readSpans(t.ctx, t.s, cutSpans(t.all, t.pos))
	}
	n, err := t.r.Read(p)
	t.pos += int64(n)
	return n, err
}

func (t *tailFeed) mark() int64 { return t.pos }

func (t *tailFeed) rewind(mark int64) bool {
	if t.pos != mark {
		t.close()
		t.pos = mark
	}
	return true
}

// close frees what is held.
func (t *tailFeed) close() {
	if t.r != nil {
		t.r.Close()
		t.r = nil
	}
}
