package session

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chunkgate/chunkgate/upload"
)

// An entry is the compact form of a part, a fragment or an object: cells with
// commas between, text escaped as in a URL query so that it holds neither a
// comma nor a semicolon.
type entry struct {
	cells []string
	err   error // the first; sticky
}

func encode(cells ...any) string {
	var b strings.Builder
	for i, cell := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		switch v := cell.(type) {
		case int:
			b.WriteString(strconv.Itoa(v))
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case time.Time:
			b.WriteString(strconv.FormatInt(v.UnixMilli(), 10))
		case string:
			b.WriteString(url.QueryEscape(v))
		default:
			panic(fmt.Sprintf("session: no entry for a %T", cell))
		}
	}
	return b.String()
}

func decode(s string) *entry { return &entry{cells: strings.Split(s, ",")} }

// next takes the next cell.
func (e *entry) next() string {
	if len(e.cells) == 0 {
		e.fail("a cell is missing")
		return ""
	}
	cell := e.cells[0]
	e.cells = e.cells[1:]
	return cell
}

func (e *entry) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *entry) text() string {
	cell := e.next()
	s, err := url.QueryUnescape(cell)
	if err != nil {
		e.fail("text %q: %w", cell, err)
	}
	return s
}

// integer takes a decimal number as encode writes it.
func (e *entry) integer() int64 {
	cell := e.next()
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != cell {
		e.fail("number %q", cell)
	}
	return n
}

// size takes a count of bytes, or of anything else that is not negative. Lua
// and everybody else can hold all numbers up to 2^53.
func (e *entry) size() int64 {
	n := e.integer()
	if n < 0 || n > 1<<53 {
		e.fail("size %d", n)
	}
	return n
}

func (e *entry) count() int { return int(e.size()) }

func (e *entry) time() time.Time { return time.UnixMilli(e.integer()).UTC() }

// end answers the first error; cells that nobody took are one.
func (e *entry) end() error {
	if e.err == nil && len(e.cells) > 0 {
		e.fail("%d cells too many", len(e.cells))
	}
	return e.err
}

func encodePart(p upload.Part) string {
	return encode(p.Number, p.Size, p.ETag, p.Checksum)
}

func decodePart(s string) (upload.Part, error) {
	e := decode(s)
	p := upload.Part{Number: e.count(), Size: e.size(), ETag: e.text(), Checksum: e.text()}
	return p, e.end()
}

func encodeObject(o upload.Object) string {
	return encode(o.Key, o.Size, o.ETag, o.Modified, o.Upload)
}

func decodeObject(s string) (upload.Object, error) {
	e := decode(s)
	o := upload.Object{Key: e.text(), Size: e.size(), ETag: e.text(), Modified: e.time(), Upload: e.text()}
	return o, e.end()
}

// encodeTail writes a semicolon and an entry for every fragment, so that
// ";<place>,<name>," is found in it if and only if such a fragment is there:
// advance.lua looks for it.
func encodeTail(tail []upload.Fragment) string {
	var b strings.Builder
	for _, f := range tail {
		b.WriteByte(';')
		b.WriteString(encode(string(f.Place), f.Name, f.Size, f.Piece, f.First))
	}
	return b.String()
}

// spelled is how a tail that holds f begins its entry.
func spelled(f upload.Fragment) string {
	return ";" + encode(string(f.Place), f.Name) + ","
}

func decodeTail(s string) ([]upload.Fragment, error) {
	if s == "" {
		return nil, nil
	}
	entries := strings.Split(s, ";")
	if entries[0] != "" {
		return nil, fmt.Errorf("tail begins with %q", entries[0])
	}
	tail := make([]upload.Fragment, 0, len(entries)-1)
	for _, s := range entries[1:] {
		e := decode(s)
		f := upload.Fragment{Place: upload.Place(e.text()), Name: e.text(), Size: e.size(), Piece: e.size(), First: e.count()}
		if f.Place != upload.InSessions && f.Place != upload.InObjects {
			e.fail("place %q", f.Place)
		}
		if f.Name == "" {
			e.fail("no name")
		}
		if err := e.end(); err != nil {
			return nil, fmt.Errorf("fragment %q: %w", s, err)
		}
		tail = append(tail, f)
	}
	return tail, nil
}
