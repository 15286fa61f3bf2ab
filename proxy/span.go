package proxy

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// errRange: a range begins where the file has ended.
var errRange = errors.New("range not satisfiable")

// span is a run of a file's bytes.
type span struct{ offset, length int64 }

// parseRange reads a Range header for a file of size bytes. What is no range,
// and more than one range at a time, counts as none (RFC 9110, 14.2). A range
// may say more than there is; File::Dropbox always does (PROTOCOL 1.4).
func parseRange(header string, size int64) (part span, ok bool, err error) {
	whole := span{0, size}
	unit, set, _ := strings.Cut(header, "=")
	from, to, isRange := strings.Cut(strings.TrimSpace(set), "-")
	if !strings.EqualFold(strings.TrimSpace(unit), "bytes") || !isRange {
		return whole, false, nil
	}
	a, hasA := parsePosition(from)
	b, hasB := parsePosition(to)
	switch {
	case from == "" && hasB: // the last b bytes
		a, b = max(0, size-b), size-1
	case hasA && to == "":
		b = size - 1
	case !hasA || !hasB || a > b:
		return whole, false, nil
	}
	if a >= size {
		return span{}, false, errRange
	}
	return span{a, min(b, size-1) - a + 1}, true, nil
}

// parsePosition reads a number of bytes; one that is too large for 64 bits is
// the largest there is.
func parsePosition(s string) (n int64, ok bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}
