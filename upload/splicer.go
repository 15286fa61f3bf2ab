package upload

import (
	"io"
	"syscall"
)

// Splicer is a chunk's body that can hand bytes on without them passing through
// this process: its socket's pages are put into a pipe of the kernel's, from
// which the object store's socket takes them. Whatever reads a Chunk's Body may
// splice instead, in any order with reading.
type Splicer interface {
	io.Reader

	// Splice waits for bytes and puts up to most of them into p, which is empty.
	// 0 without an error means that the next bytes can only be read. Errors are
	// those of Read; with one, what is in p does not count.
	Splice(p Pipe, most int) (int, error)
}

// Pipe is where spliced bytes go.
type Pipe interface {
	// Fill waits until the connection has bytes, under its read deadline, and
	// takes up to most of them, at least one. Its end is io.EOF.
	Fill(from syscall.RawConn, most int) (int, error)
}

// splice splices from r, if that can.
func splice(r io.Reader, p Pipe, most int) (int, error) {
	if s, ok := r.(Splicer); ok {
		return s.Splice(p, most)
	}
	return 0, nil
}

// sequel is one reader after the other; the second may be spliced.
type sequel struct {
	first io.Reader
	ended bool // the first is
	then  io.Reader
}

// Read implements io.Reader.
func (s *sequel) Read(p []byte) (int, error) {
	if !s.ended {
		n, err := s.first.Read(p)
		if err != io.EOF {
			return n, err
		}
		s.ended = true
		if n > 0 {
			return n, nil
		}
	}
	return s.then.Read(p)
}

// Splice implements Splicer.
func (s *sequel) Splice(p Pipe, most int) (int, error) {
	if !s.ended {
		return 0, nil
	}
	return splice(s.then, p, most)
}
