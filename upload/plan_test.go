package upload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mib = 1 << 20

func TestPlan(t *testing.T) {
	s3, equal := S3Limits(), S3Limits()
	equal.EqualPart = 8 * mib
	tests := []struct {
		name         string
		limits       Limits
		next         int
		tail, length int64
		want         Plan
		err          error
	}{
		{"nothing", s3, 1, 0, 0, Plan{}, nil},
		{"first 4 MiB wait", s3, 1, 0, 4 * mib, Plan{Tail: 4 * mib}, nil},
		{"second 4 MiB make a part of 8", s3, 1, 4 * mib, 4 * mib, Plan{Parts: []int64{8 * mib}}, nil},
		{"one byte short", s3, 1, 0, 5*mib - 1, Plan{Tail: 5*mib - 1}, nil},
		{"just enough", s3, 1, 0, 5 * mib, Plan{Parts: []int64{5 * mib}}, nil},
		{"largest chunk is one part", s3, 1, 5*mib - 1, 157_286_400, Plan{Parts: []int64{157_286_400 + 5*mib - 1}}, nil},
		{"empty chunk leaves the tail", s3, 1, 5*mib - 1, 0, Plan{Tail: 5*mib - 1}, nil},
		{"empty chunk leaves a tail of a part", s3, 1, 6 * mib, 0, Plan{Tail: 6 * mib}, nil},
		{"grown minimum", s3, 9000, 4 * mib, 4 * mib, Plan{Tail: 8 * mib}, nil},
		{"over the largest part", s3, 9936, 5<<30 - 1, 4 * mib, Plan{Parts: []int64{5 << 30}, Tail: 4*mib - 1}, nil},
		{"numbers used up", s3, 9937, 5<<30 - 1, 4 * mib, Plan{}, ErrTooLarge},
		{"equal: one short", equal, 1, 4 * mib, 4*mib - 1, Plan{Tail: 8*mib - 1}, nil},
		{"equal: three and a rest", equal, 1, 1, 25 * mib, Plan{Parts: []int64{8 * mib, 8 * mib, 8 * mib}, Tail: mib + 1}, nil},
		{"equal: used up half way", equal, 9936, 0, 16 * mib, Plan{}, ErrTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.limits.Plan(test.next, test.tail, test.length)
			if !errors.Is(err, test.err) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// A failure is kept as it is as long as there is room for it.
func TestOneLine(t *testing.T) {
	fits := strings.Repeat("x", failureSize)
	if got := oneLine(fits); got != fits {
		t.Errorf("%d bytes are kept as %q", len(fits), got)
	}
	if got := oneLine(fits + "\n"); len(got) > failureSize || !strings.HasSuffix(got, "…") {
		t.Errorf("%d bytes are kept as %q", len(fits)+1, got)
	}
}

// ledger applies plans one after the other and checks S3's rules on the way.
type ledger struct {
	parallel int   // parts of a chunk in flight
	share    int64 // bytes, as for spread
	limits   Limits
	next     int
	tail, in int64
	parts    int64 // bytes
}

func (l *ledger) add(length int64) error {
	p, err := l.limits.Plan(l.next, l.tail, length)
	if err != nil {
		return err
	}
	if most := l.limits.wanted(length); len(p.Parts) > most { // before they are spread
		return fmt.Errorf("%d parts for %d bytes, but %d numbers drawn", len(p.Parts), length, most)
	}
	each := 1
	if len(p.Parts) == 1 {
		if p.Parts = l.limits.spread(l.next, p.Parts[0], l.tail, l.parallel, l.share); len(p.Parts) > 1 {
			each = numbersEach
		}
	}
	for i, size := range p.Parts {
		if err := l.part(size); err != nil {
			return err
		}
		l.next += each - 1
		if i == 0 && l.tail > size {
			return fmt.Errorf("tail of %d bytes does not fit into the first part of %d", l.tail, size)
		}
	}
	l.tail, l.in = p.Tail, l.in+length
	if l.parts+l.tail != l.in {
		return fmt.Errorf("%d bytes in, %d out", l.in, l.parts+l.tail)
	}
	return nil
}

func (l *ledger) part(size int64) error {
	switch {
	case size < l.limits.MinPart:
		return fmt.Errorf("part %d has %d bytes", l.next, size)
	case size > l.limits.MaxPart:
		return fmt.Errorf("part %d has %d bytes", l.next, size)
	case l.limits.EqualPart > 0 && size != l.limits.EqualPart:
		return fmt.Errorf("part %d has %d bytes, not %d", l.next, size, l.limits.EqualPart)
	case l.next > l.limits.MaxParts:
		return fmt.Errorf("part number %d", l.next)
	}
	l.parts += size
	l.next++
	return nil
}

func TestPlanHolds5TiB(t *testing.T) {
	for _, chunk := range []int64{1 * mib, 4 * mib, 5*mib - 1, 8 * mib, 20 * mib, 157_286_400} {
		for _, lost := range []int{0, 10} { // every so many numbers one is lost to a retry
			t.Run(fmt.Sprintf("chunk=%d/lost=%d", chunk, lost), func(t *testing.T) {
				// Spread as finely as can be, if the chunk is large enough.
				l := &ledger{limits: S3Limits(), next: 1, parallel: 16, share: 1}
				for l.in < l.limits.MaxObject {
					before := l.next
					if err := l.add(min(chunk, l.limits.MaxObject-l.in)); err != nil {
						t.Fatalf("after %d bytes: %v", l.in, err)
					}
					if lost > 0 && l.next > before && l.next%lost == 0 {
						l.next++
					}
				}
			})
		}
	}
}

// The least size of a part grows by little from one number to the next: a tail waits
// in the session store, and is sent again with it, until it is that long.
func TestLeastPartGrowsGradually(t *testing.T) {
	l := S3Limits()
	for n := 2; n <= l.MaxParts; n++ {
		before, now := l.minPart(n-1), l.minPart(n)
		if now < before || float64(now) > 1.01*float64(before) {
			t.Fatalf("part %d has %d bytes at least, the one before %d", n, now, before)
		}
	}
	if first := l.minPart(1); first != l.MinPart {
		t.Errorf("the first part has %d bytes at least, want %d", first, l.MinPart)
	}
}

// A copy has no more parts than a store takes, and no larger ones than that needs:
// they are copied beside each other, and a few that fail are done again.
func TestCopyParts(t *testing.T) {
	l := S3Limits()
	full := int64(l.MaxParts) * copyPart
	for _, size := range []int64{1, copyPart, full - 1, full, full + 1, 2*full - 1, 2 * full, 5 << 40} {
		part := copyPartSize(size, l)
		if n := (size + part - 1) / part; n > int64(l.MaxParts) {
			t.Errorf("%d bytes are copied in %d parts", size, n)
		}
		smaller := part - 1
		if part > copyPart && (size+smaller-1)/smaller <= int64(l.MaxParts) {
			t.Errorf("%d bytes are copied in parts of %d, and smaller ones would do", size, part)
		}
	}
}

// A chunk of whole parts draws a number for each and none in vain: what it draws,
// nobody else may use until it ends.
func TestNumbersWanted(t *testing.T) {
	l := S3Limits()
	l.EqualPart = 8 * mib
	for length, want := range map[int64]int{0: 0, 1: 1, 8 * mib: 1, 8*mib + 1: 2, 24 * mib: 3, UnknownLength: 1} {
		if n := l.wanted(length); n != want {
			t.Errorf("a chunk of %d bytes draws %d numbers, want %d", length, n, want)
		}
	}
}

// Parts at once are as many as asked for, however many bytes there are; and each has
// its numbers below those that are kept for commits.
func TestSpread(t *testing.T) {
	l := S3Limits()
	for _, parallel := range []int{2, 3, 4, 7} {
		for have := int64(100 * mib); have < 100*mib+10; have++ {
			sizes := l.spread(1, have, 3*mib, parallel, 1<<40)
			sum := int64(0)
			for _, size := range sizes {
				sum += size
			}
			if len(sizes) != parallel || sum != have || slices.Max(sizes)-slices.Min(sizes) > 1 {
				t.Errorf("%d bytes, %d at once: %v", have, parallel, sizes)
			}
		}
	}
	l.MaxPart = l.MinPart // small parts to the end
	for next := l.lastNumber() - 10; next <= l.lastNumber(); next++ {
		sizes := l.spread(next, 100*mib, 0, 4, 1<<40)
		if last := next + numbersEach*len(sizes) - 1; len(sizes) > 1 && last > l.lastNumber() {
			t.Errorf("%d parts from number %d on: they may take number %d", len(sizes), next, last)
		}
		if room := l.lastNumber() - next; room > 4*numbersEach && len(sizes) != 4 {
			t.Errorf("%d parts from number %d on, though there are %d more", len(sizes), next, room)
		}
	}
}

// Up to 40 GB, 4 MiB chunks stay at parts of two chunks (DESIGN.md section 4).
func TestPlanStaysAt8MiB(t *testing.T) {
	l := &ledger{limits: S3Limits(), next: 1}
	for l.in < 5000*8*mib {
		if err := l.add(4 * mib); err != nil {
			t.Fatal(err)
		}
		if l.tail > 4*mib {
			t.Fatalf("tail of %d bytes after %d", l.tail, l.in)
		}
	}
}

func TestPlanRandom(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		l := &ledger{limits: Limits{MinPart: 50, MaxPart: 5000, MaxParts: 500, MaxChunk: 1500}, next: 1}
		switch seed % 3 {
		case 1:
			l.limits.EqualPart = 50 + r.Int64N(300)
		case 2:
			l.parallel, l.share = 1+r.IntN(20), r.Int64N(1000)
		}
		for range 2000 {
			if err := l.add(r.Int64N(l.limits.MaxChunk + 1)); err != nil && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("seed %d after %d bytes: %v", seed, l.in, err)
			}
		}
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte{4, 4, 4, 0, 255, 1}, uint16(0), uint8(0))
	f.Add([]byte{255, 255, 255, 7}, uint16(480), uint8(90))
	f.Fuzz(func(t *testing.T, chunks []byte, next uint16, equal uint8) {
		l := &ledger{limits: Limits{MinPart: 50, MaxPart: 5000, MaxParts: 500}, next: 1 + int(next)%500}
		if equal > 0 {
			l.limits.EqualPart = 50 + int64(equal)
		}
		for i, c := range chunks {
			if err := l.add(int64(c) * int64(1+i%7)); errors.Is(err, ErrTooLarge) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
