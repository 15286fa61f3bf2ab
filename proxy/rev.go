package proxy

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A rev names a version of a file to clients, who demand hex and nothing else
// of it; the store's name for a version is the ETag. The three forms differ in
// length, so that each can be told from the others:
//
//	"<32 hex>"    → the 32 digits
//	"<32 hex>-N"  → the 32 digits and N, the number of parts, as 4 more
//	anything else → f and its bytes as hex: an odd number of digits
const (
	plainRev     = 32
	multipartRev = 36
	otherRev     = "f"
)

// revOf is the rev of an ETag as the store says it, quotes included.
func revOf(etag string) string {
	if tag, ok := unquote(etag); ok {
		sum, parts, isMultipart := strings.Cut(tag, "-")
		n, err := strconv.ParseUint(parts, 10, 16)
		switch {
		case !isLowerHex(sum, plainRev):
		case !isMultipart:
			return sum
		case err == nil && strconv.FormatUint(n, 10) == parts:
			return fmt.Sprintf("%s%04x", sum, n)
		}
	}
	return otherRev + hex.EncodeToString([]byte(etag))
}

// etagOf is the ETag of a rev. One that no file can have is an *upload.InvalidError.
func etagOf(rev string) (string, error) {
	switch {
	case isLowerHex(rev, plainRev):
		return `"` + rev + `"`, nil
	case isLowerHex(rev, multipartRev):
		n, _ := strconv.ParseUint(rev[plainRev:], 16, 16)
		return fmt.Sprintf(`"%s-%d"`, rev[:plainRev], n), nil
	}
	other, ok := strings.CutPrefix(rev, otherRev)
	etag, err := hex.DecodeString(other)
	if !ok || err != nil || !fitsHeader(etag) {
		return "", invalid("parent_rev is no revision of a file")
	}
	return string(etag), nil
}

func unquote(etag string) (string, bool) {
	if len(etag) < 2 || etag[0] != '"' || etag[len(etag)-1] != '"' {
		return "", false
	}
	return etag[1 : len(etag)-1], true
}

// fitsHeader says whether an ETag can be sent to the store again.
func fitsHeader(etag []byte) bool {
	return len(etag) > 0 && !bytes.ContainsFunc(etag, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isLowerHex(s string, digits int) bool {
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}
