package proxy

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Account is on whose behalf a request comes.
type Account struct {
	Owner  string // of the uploads it opens
	Prefix string // of the keys it may name; empty or ending in "/"
	Access Access
	Limits Limits // where they are 0, Config.Owner counts
}

// Access is what an account may do with files. The zero value is both.
type Access int

// Kinds of access.
const (
	ReadWrite Access = iota
	ReadOnly
	WriteOnly
)

// Limits bound what one owner may do. A field that is 0 is not said, and one
// that is NoLimit is no limit whatever others say.
type Limits struct {
	MaxObject   int64 // bytes; of a file
	MaxUploads  int64 // open at once, over all replicas
	MaxInFlight int64 // bytes; of the bodies that this process is receiving at once; a single one may be larger
	MaxRate     int64 // requests a second, over all replicas
}

// NoLimit as a field of Limits.
const NoLimit int64 = -1

// or fills in what is not said, and makes 0 of what is no limit.
func (l Limits) or(usual Limits) Limits {
	pick := func(own, usual int64) int64 {
		if own == 0 {
			own = usual
		}
		return max(0, own)
	}
	return Limits{
		MaxObject:   pick(l.MaxObject, usual.MaxObject),
		MaxUploads:  pick(l.MaxUploads, usual.MaxUploads),
		MaxInFlight: pick(l.MaxInFlight, usual.MaxInFlight),
		MaxRate:     pick(l.MaxRate, usual.MaxRate),
	}
}

// mostCount bounds numbers that are no sizes; redis_rate computes with floats.
const mostCount = 1_000_000_000

// parseTerms reads the key=value fields behind a token, or of a claim:
//
//	access=read-only|write-only|read-write
//	max-object=<size> max-uploads=<number> max-in-flight=<size> max-rate=<requests a second>
//
// A size is in bytes, or in KiB, MiB, GiB or TiB with that unit behind it. 0 is
// no limit. Errors do not repeat a value: it may be a misplaced secret.
func (a *Account) parseTerms(fields []string) error {
	seen := map[string]bool{}
	for _, field := range fields {
		key, value, _ := strings.Cut(field, "=")
		if seen[key] {
			return fmt.Errorf("%s again", key)
		}
		if err := a.parseTerm(key, value); err != nil {
			return err
		}
		seen[key] = true
	}
	return nil
}

var errTerm = errors.New("a field is none of access=, max-object=, max-uploads=, max-in-flight= and max-rate=")

func (a *Account) parseTerm(key, value string) (err error) {
	l := &a.Limits
	switch key {
	case "access":
		a.Access, err = parseAccess(value)
	case "max-object":
		l.MaxObject, err = parseSize(value)
	case "max-uploads":
		l.MaxUploads, err = parseLimit(value, mostCount)
	case "max-in-flight":
		l.MaxInFlight, err = parseSize(value)
	case "max-rate":
		l.MaxRate, err = parseLimit(value, mostCount)
	default:
		return errTerm
	}
	if err != nil {
		return fmt.Errorf("%s= %w", key, err)
	}
	return nil
}

func parseAccess(value string) (Access, error) {
	switch value {
	case "read-write":
		return ReadWrite, nil
	case "read-only":
		return ReadOnly, nil
	case "write-only":
		return WriteOnly, nil
	}
	return 0, errors.New("is none of read-only, write-only and read-write")
}

// sizes are the units of a size, as powers of two.
var sizes = map[string]int{"KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40}

func parseSize(value string) (int64, error) {
	shift := 0
	if len(value) > 3 {
		if s, ok := sizes[value[len(value)-3:]]; ok {
			value, shift = value[:len(value)-3], s
		}
	}
	n, err := parseLimit(value, math.MaxInt64>>shift)
	if err != nil || n == NoLimit {
		return n, err
	}
	return n << shift, nil
}

// parseLimit reads a number, of which 0 is no limit.
func parseLimit(value string, most int64) (int64, error) {
	n, err := strconv.ParseUint(value, 10, 63) // takes no sign
	switch {
	case err != nil:
		return 0, errors.New("is not a number, or a size such as 64MiB")
	case int64(n) > most:
		return 0, errors.New("is too large")
	case n == 0:
		return NoLimit, nil
	}
	return int64(n), nil
}
