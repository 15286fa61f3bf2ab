package upload

// Plan says how the tail and the bytes that follow it become parts and a new
// tail. The tail's bytes come first; it goes into the first part whole, unless
// the limits were others when it grew (longtail.go).
type Plan struct {
	Parts []int64 // bytes of each part, in order
	Tail  int64   // bytes left over; equal to tail + length when there is no part
}

// Plan cuts tail ++ length bytes. next is the number of the first part, if
// there is one. A part is as large as can be: larger parts cost less, and a
// chunk is cut no finer than S3 demands.
// Errors: ErrTooLarge when a part is due and the numbers are used up.
func (l Limits) Plan(next int, tail, length int64) (Plan, error) {
	p := Plan{Tail: tail + length}
	for n := next; p.Tail >= l.minPart(n) && length > 0; n++ {
		if n > l.lastNumber() {
			return Plan{}, ErrTooLarge
		}
		size := l.cut(p.Tail)
		p.Parts = append(p.Parts, size)
		p.Tail -= size
	}
	return p, nil
}

// cut is the size of the next part when have bytes are there, enough for one.
func (l Limits) cut(have int64) int64 {
	if l.EqualPart > 0 {
		return l.EqualPart
	}
	return min(have, l.MaxPart)
}
