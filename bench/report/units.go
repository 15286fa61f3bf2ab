package report

import (
	"fmt"

	"github.com/chunkgate/chunkgate/bench/meter"
)

// unit is how a figure is written.
type unit int

const (
	plain unit = iota
	times
	byteCount
	percent
)

// say writes a value.
func (u unit) say(v float64) string {
	switch u {
	case times:
		return fmt.Sprintf("%.2f ×", v)
	case percent:
		return fmt.Sprintf("%.2f %%", 100*v)
	case byteCount:
		return sayBytes(v)
	}
	return fmt.Sprintf("%.2f", v)
}

func sayBytes(v float64) string {
	size := v
	for _, name := range []string{"B", "KiB", "MiB", "GiB"} {
		if size < 1024 && size > -1024 {
			return digits(size) + " " + name
		}
		size /= 1024
	}
	return digits(size) + " TiB"
}

// digits writes a number with three of them, or all that stand before the point.
func digits(v float64) string {
	if v >= 100 || v <= -100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// spread writes the median and, if rounds differ, how far.
func (u unit) spread(s meter.Spread) string {
	if s.Min == s.Max {
		return u.say(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", u.say(s.Median), u.say(s.Min), u.say(s.Max))
}
