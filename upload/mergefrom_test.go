package upload

import (
	"slices"
	"testing"
)

// tailOf is a tail of fragments of these sizes.
func tailOf(sizes ...int64) []Fragment {
	tail := make([]Fragment, len(sizes))
	for i, size := range sizes {
		tail[i] = Fragment{Place: InSessions, Size: size, Piece: slabSize}
	}
	return tail
}

// times is n fragments of one size.
func times(n int, size int64) []int64 { return slices.Repeat([]int64{size}, n) }

// Which fragments become one: no fewer than it takes to keep the list short, and
// none that is larger than what would be stored again with it.
func TestMergeFrom(t *testing.T) {
	join := slices.Concat[[]int64]
	for _, test := range []struct {
		name string
		tail []int64
		want int
	}{
		{"none", nil, 0},
		{"few", times(63, 1), 63},
		{"many of one size", times(64, 1), 0},
		{"chunks of 4 MiB", times(100, smallFragment), 100},
		{"one of 4 MiB, and many", join(times(1, smallFragment), times(64, 1)), 1},
		{"one of 4 MiB, and few", join(times(1, smallFragment), times(63, 1)), 64},
		{"three of 4 MiB, and too many", join(times(3, smallFragment), times(71, 5), times(1, 1)), 3},
		{"three of 4 MiB, and one less than too many", join(times(3, smallFragment), times(70, 5), times(1, 1)), 74},
		{"three of 4 MiB, and a run just long enough", join(times(3, smallFragment), times(69, 1), times(1, 3), times(2, 1)), 73},
		{"the newest is the smallest", join(times(63, 5), times(1, 1)), 64},
		{"the newest is the smallest, and there are too many", join(times(71, 5), times(1, 1)), 0},
		{"one less than too many", join(times(70, 5), times(1, 1)), 71},
		{"only as far as none is larger", join(times(60, 1), times(1, 100), times(3, 1)), 61},
		{"a run too short to help", join(times(70, 1), times(1, 3), times(2, 1)), 0},
		{"a run just long enough", join(times(69, 1), times(1, 3), times(2, 1)), 70},
		{"as large as all that follow", join(times(61, 1000), []int64{2, 1, 1}), 61},
		{"larger than all that follow", join(times(61, 1000), []int64{3, 1, 1}), 62},
	} {
		if got := mergeFrom(tailOf(test.tail...)); got != test.want {
			t.Errorf("%s: fragments from %d on, want %d", test.name, got, test.want)
		}
	}
}
