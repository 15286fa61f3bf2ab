package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// errFraming: what a connection brings does not say clearly where a request
// begins or ends.
var errFraming = errors.New("malformed or ambiguous request")

var errManyLines = fmt.Errorf("%w: a header of more than %d lines", errFraming, maxLines)

// maxLine bounds a line, in bytes. It is more than net/http takes of a header
// before it answers 431, and than it takes of a chunk's size.
const maxLine = maxHeaderBytes + 8<<10

// maxLines bounds the lines of a header or a trailer. Clients and the proxies in
// front of us send some dozens; net/http keeps a hundred bytes and more of each,
// for as long as the request takes.
const maxLines = 200

// shortLine is how much of the buffer of a line is kept for the next, in bytes.
const shortLine = 1 << 10

// stage is what the next line on a connection is.
type stage int

const (
	requestLine stage = iota
	headerLine
	chunkSize
	chunkEnd
	trailerLine
)

// framing follows where requests begin and end on a connection, and stops it
// where a proxy in front could see another end than net/http behind it: that
// is how a request is smuggled past the proxy in the body of another (RFC 9112,
// section 11.2). net/http is as lenient as it may be: of Content-Length and
// Transfer-Encoding together it forgets the first, it unfolds folded lines, and
// a bare LF ends a line for it. No handler can see any of that afterwards, so
// it is looked for in the bytes. Whatever else is malformed net/http refuses.
//
// The zero value is at the beginning of a connection.
type framing struct {
	next stage
	left int64  // bytes of content before the next line
	line []byte // what has come of it
	n    int    // lines of the header, or of the trailer, so far

	// of the request whose header is being read
	old     bool  // not by HTTP/1.1, which alone knows Transfer-Encoding
	sized   bool  // has a Content-Length
	length  int64 // that
	chunked bool  // has a Transfer-Encoding, which is chunked
}

// accept takes the next bytes of the connection, and says how many of them may
// be read by others: all of them or, with an error, those before the last byte
// of the line that is refused.
func (f *framing) accept(p []byte) (int, error) {
	for done := 0; done < len(p); {
		if f.left > 0 {
			n := min(f.left, int64(len(p)-done))
			f.left -= n
			done += int(n)
			continue
		}
		end := bytes.IndexByte(p[done:], '\n')
		if end < 0 {
			f.line = append(f.line, p[done:]...)
			if len(f.line) > maxLine {
				return done, fmt.Errorf("%w: a line without an end", errFraming)
			}
			return len(p), nil
		}
		f.line = append(f.line, p[done:done+end+1]...)
		if err := f.take(); err != nil {
			return done + end, err
		}
		if f.line = f.line[:0]; cap(f.line) > shortLine {
			f.line = nil
		}
		done += end + 1
	}
	return len(p), nil
}

// skip takes n bytes of content that nobody has seen.
func (f *framing) skip(n int) { f.left -= int64(n) }

// take heeds a line that is complete.
func (f *framing) take() error {
	line, ok := bytes.CutSuffix(f.line, []byte("\r\n"))
	if !ok {
		return fmt.Errorf("%w: a line that ends in a bare LF", errFraming)
	}
	if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
		return fmt.Errorf("%w: a line that begins with a space", errFraming)
	}
	switch f.next {
	case requestLine:
		if len(line) > 0 { // an old client may send an empty one behind a form
			*f = framing{next: headerLine, line: f.line, old: !bytes.HasSuffix(line, []byte(" HTTP/1.1"))}
		}
	case headerLine:
		if f.n++; f.n > maxLines {
			return errManyLines
		}
		if len(line) > 0 {
			return f.field(line)
		}
		return f.begin()
	case chunkSize:
		return f.chunk(line)
	case chunkEnd:
		if len(line) > 0 {
			return fmt.Errorf("%w: a chunk that is longer than its size", errFraming)
		}
		f.next = chunkSize
	case trailerLine:
		if f.n++; f.n > maxLines {
			return errManyLines
		}
		if len(line) == 0 {
			f.next = requestLine
		}
	}
	return nil
}

// field heeds a line of the header.
func (f *framing) field(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.Trim(value, " \t")
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || f.sized && f.length != int64(n) {
			return fmt.Errorf("%w: Content-Length is not one number", errFraming)
		}
		f.sized, f.length = true, int64(n)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		if f.old || f.chunked || !bytes.EqualFold(value, []byte("chunked")) {
			return fmt.Errorf("%w: Transfer-Encoding is not chunked once, by HTTP/1.1", errFraming)
		}
		f.chunked = true
	}
	return nil
}

// begin turns to the body, at the end of the header.
func (f *framing) begin() error {
	switch {
	case f.sized && f.chunked:
		return fmt.Errorf("%w: Content-Length and Transfer-Encoding", errFraming)
	case f.chunked:
		f.next, f.n = chunkSize, 0
	default:
		f.next, f.left = requestLine, f.length
	}
	return nil
}

// chunk heeds the line before a chunk; its extensions mean nothing to us.
func (f *framing) chunk(line []byte) error {
	size, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.TrimRight(size, " \t")), 16, 63)
	if err != nil {
		return fmt.Errorf("%w: a chunk without a size", errFraming)
	}
	f.next, f.left = chunkEnd, int64(n)
	if n == 0 {
		f.next = trailerLine
	}
	return nil
}
