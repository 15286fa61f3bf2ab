package upload

import "context"

// A tail is shorter than a part, and goes into the next one whole, unless the
// limits were changed while its upload was open: then it may be many times as
// long as a part may be now.

// partsOfLongTail stores the tail and bytes of f as parts of these sizes, of
// which the first is smaller than the tail. What is left of the tail stays its
// beginning.
func (a *attempt) partsOfLongTail(ctx context.Context, f feed, sizes []int64) error {
	m, err := a.multipart(ctx)
	if err != nil {
		return err
	}
	long := &tailFeed{ctx: ctx, e: a.e, s: a.s, all: spans(a.tail, 0)}
	defer long.close()
	all := &tailThen{tailFeed: long, size: tailSize(a.tail), then: f, begin: f.mark()}
	for _, size := range sizes {
		part, err := a.upload(ctx, m, size, nil, all, func() (int, error) { return a.number(ctx) }, always)
		if err != nil {
			return err
		}
		a.parts = append(a.parts, part)
	}
	long.close()
	return a.shorten(ctx, long.pos)
}

// shorten takes the first n bytes from the tail. A fragment that is left in part
// is stored again.
func (a *attempt) shorten(ctx context.Context, n int64) error {
	rest := a.tail
	a.tail = nil
	for len(rest) > 0 && n >= rest[0].Size {
		n -= rest[0].Size
		a.shed, rest = append(a.shed, rest[0]), rest[1:]
	}
	if n > 0 {
		a.shed = append(a.shed, rest[0])
		// As an object: to wait for a buffer is not allowed to a body that holds some.
		left := &tailFeed{ctx: ctx, e: a.e, s: a.s, all: spans(rest[:1], n)}
		defer left.close()
		if err := a.keepObject(ctx, left, rest[0].Size-n); err != nil {
			return err
		}
		rest = rest[1:]
	}
	a.tail = append(a.tail, rest...)
	return nil
}

// tailThen is the tail and what follows it as one feed.
type tailThen struct {
	*tailFeed
	size  int64 // bytes of the tail
	then  feed
	begin int64 // mark of then
}

func (t *tailThen) Read(p []byte) (int, error) {
	if t.pos < t.size {
		return t.tailFeed.Read(p[:min(int64(len(p)), t.size-t.pos)])
	}
	return t.then.Read(p)
}

func (t *tailThen) mark() int64 { return t.pos + t.then.mark() - t.begin }

func (t *tailThen) rewind(mark int64) bool {
	return t.then.rewind(t.begin+max(0, mark-t.size)) && t.tailFeed.rewind(min(mark, t.size))
}
