package proxy

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// object builds a JSON object as Python's json.dumps wrote it for v1: on one
// line, members in the order they are added, `", "` and `": "` between them
// (shell clients match that), and nothing but ASCII, since Android's SDK
// decodes answers with the platform's charset (PROTOCOL 1.0).
type object struct {
	buf  []byte
	hole int // where in it a value is still missing; 0: nowhere
}

func (o *object) text(name, value string) { o.buf = appendString(o.name(name), value) }

func (o *object) number(name string, value int64) { o.buf = strconv.AppendInt(o.name(name), value, 10) }

func (o *object) flag(name string, value bool) { o.buf = strconv.AppendBool(o.name(name), value) }

func (o *object) null(name string) { o.buf = append(o.name(name), "null"...) }

// value adds a member whose value is JSON already.
func (o *object) value(name string, json []byte) { o.buf = append(o.name(name), json...) }

// gap adds a member whose value is written when the object is sent.
func (o *object) gap(name string) {
	o.buf = o.name(name)
	o.hole = len(o.buf)
}

// name begins a member.
func (o *object) name(name string) []byte {
	separator := ", "
	if len(o.buf) == 0 {
		separator = "{"
	}
	o.buf = append(o.buf, separator...)
	return append(appendString(o.buf, name), ": "...)
}

// bytes is the object with at least one member.
func (o *object) bytes() []byte { return append(o.buf, '}') }

// shortEscapes are the escapes that JSON has a letter for.
var shortEscapes = map[rune]byte{'"': '"', '\\': '\\', '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f'}

// appendString writes a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		if r >= ' ' && r < utf8.RuneSelf && r != '"' && r != '\\' { // nearly all
			dst = append(dst, byte(r))
			continue
		}
		short, escaped := shortEscapes[r]
		switch {
		case escaped:
			dst = append(dst, '\\', short)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			dst = appendEscape(appendEscape(dst, high), low)
		default:
			dst = appendEscape(dst, r)
		}
	}
	return append(dst, '"')
}

// appendEscape writes a UTF-16 code unit.
func appendEscape(dst []byte, unit rune) []byte {
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[unit>>12&15], hex[unit>>8&15], hex[unit>>4&15], hex[unit&15])
}
