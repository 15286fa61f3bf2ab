package upload

import "context"

// Lent is how many bytes of the budget of buffers are in use.
func (e *Engine) Lent() int64 { return int64(e.slabs.inUse()) * slabSize }

// TailFeed is some bytes of a tail as they are read to be stored again.
type TailFeed struct{ *tailFeed }

func (e *Engine) TailFeed(ctx context.Context, s Session, from, to int64) TailFeed {
	return TailFeed{&tailFeed{ctx: ctx, e: e, s: s, all: section(s.Tail, from, to)}}
}

func (t TailFeed) Rewind(mark int64) { t.rewind(mark) }
func (t TailFeed) Close()            { t.close() }
