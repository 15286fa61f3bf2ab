package upload

import "context"

// A tail of many tiny chunks would make the session's record, which every
// chunk reads, grow with each. So when the tail ends in mostSmall fragments
// under smallFragment bytes, they are stored again as one. Chunks of 4 MiB and
// more are never stored again this way.
const (
	mostSmall     = 64
	smallFragment = 4 << 20
)

// compact merges the small fragments at the tail's end if they are many.
func (a *attempt) compact(ctx context.Context) error {
	begin := len(a.tail)
	for begin > 0 && a.tail[begin-1].Size < smallFragment {
		begin--
	}
	small := a.tail[begin:]
	if len(small) < mostSmall {
		return nil
	}
	r := a.e.readTail(ctx, a.s, small)
	defer r.Close()
	a.shed = append(a.shed, small...)
	a.tail = append([]Fragment(nil), a.tail[:begin]...)
	return a.keep(ctx, &once{r: r}, tailSize(small))
}

// once is a feed that cannot go back once a byte was read.
type once struct {
	r    *tailReader
	read int64
}

func (o *once) Read(p []byte) (int, error) {
	n, err := o.r.Read(p)
	o.read += int64(n)
	return n, err
}

func (o *once) mark() int64            { return o.read }
func (o *once) rewind(mark int64) bool { return o.read == mark }
