package upload

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomTail lists fragments that hold size bytes together. Their bytes are numbered:
// at says with which number each begins.
func randomTail(r *rand.Rand, name string, size int64) (tail []Fragment, at map[Fragment]int64) {
	at = map[Fragment]int64{}
	for n, from := 0, int64(0); from < size; n++ {
		f := Fragment{Place: InObjects, Name: fmt.Sprint(name, n), Size: min(1+r.Int64N(8), size-from)}
		at[f] = from
		tail, from = append(tail, f), from+f.Size
	}
	return tail, at
}

// numbers are those of the bytes of spans; they check that each span is one.
func numbers(t *testing.T, all []span, at ...map[Fragment]int64) (out []int64) {
	t.Helper()
	for _, s := range all {
		if s.from < 0 || s.from >= s.to || s.to > s.Size {
			t.Fatalf("%+v is no run of bytes", s)
		}
		for _, m := range at {
			if first, ok := m[s.Fragment]; ok {
				for n := s.from; n < s.to; n++ {
					out = append(out, first+n)
				}
			}
		}
	}
	if int64(len(out)) != spansSize(all) {
		t.Fatalf("%d bytes in %+v, which are said to be %d", len(out), all, spansSize(all))
	}
	return out
}

// Wherever a tail's bytes go, and from whichever of them on they are read, they are
// the same bytes in the same order; and what an attempt has stored itself stays where
// it is, behind them or between.
func TestSpansKeepTheBytes(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 5))
		size := 1 + r.Int64N(40)
		was, wasAt := randomTail(r, "was", size)
		is, isAt := randomTail(r, "is", size)
		own, ownAt := randomTail(r, "own", r.Int64N(20))
		for f := range ownAt {
			ownAt[f] += 1000
		}
		tail := slices.Insert(slices.Clone(was), r.IntN(len(was)+1), own...)
		if r.IntN(2) == 0 {
			tail = slices.Concat(was, own)
		}
		skip := r.Int64N(tailSize(tail) + 2)
		from := spans(tail, skip)
		want := numbers(t, spans(tail, 0), wasAt, ownAt)
		want = want[min(skip, int64(len(want))):]
		if got := numbers(t, from, wasAt, ownAt); !slices.Equal(got, want) {
			t.Fatalf("seed %d: after %d bytes of %v there are %v, want %v", seed, skip, tail, got, want)
		}
		moved := translate(from, was, is)
		if got := numbers(t, moved, isAt, ownAt); !slices.Equal(got, want) {
			t.Fatalf("seed %d: %v are at %v, want %v", seed, from, got, want)
		}
		for i, s := range moved {
			if s.whole() != (s.to-s.from == s.Size) {
				t.Errorf("seed %d: whole %v: %+v", seed, s.whole(), s)
			}
			if i > 0 && moved[i-1].Fragment == s.Fragment {
				t.Errorf("seed %d: one run of bytes is read in two: %+v, %+v", seed, moved[i-1], s)
			}
		}
		if got := numbers(t, spans(tail, 0), wasAt, ownAt); int64(len(got)) != tailSize(tail) {
			t.Errorf("seed %d: looking at the tail has changed it", seed)
		}
	}
}
