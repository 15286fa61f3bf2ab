package upload

import (
	"errors"
	"fmt"
	"io"
)

// feed is a run of bytes on its way into storage. Storing may have to be tried
// again, so a feed tells whether it can go back.
type feed interface {
	io.Reader
	// mark names the present position.
	mark() int64
	// rewind goes back to a mark and says whether it could.
	rewind(mark int64) bool
}

// source is the client's body. It yields exactly the announced bytes or an
// error of the closed list, never a silent end in between, and cannot go back.
type source struct {
	body   io.Reader
	length int64 // bytes announced, or UnknownLength
	most   int64 // bytes; limit for bodies of unknown length
	read   int64 // bytes
	err    error // the first one the body said: the client's fault, not the store's
}

func newSource(c Chunk, most int64) *source {
	return &source{body: c.Body, length: c.Length, most: most}
}

// Read reads from the body, never past the announced length.
func (s *source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	left := s.left()
	if left == 0 && s.length != UnknownLength {
		return 0, io.EOF
	}
	n, err := s.body.Read(p[:min(int64(len(p)), left)])
	s.read += int64(n)
	s.err = s.judge(err)
	return n, s.err
}

// Splice implements Splicer, for a body whose length was announced.
func (s *source) Splice(p Pipe, most int) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	left := s.left()
	if left == 0 || s.length == UnknownLength {
		return 0, nil
	}
	n, err := splice(s.body, p, int(min(int64(most), left)))
	s.read += int64(n)
	s.err = s.judge(err)
	return n, s.err
}

// left is how many bytes may still be read; one more than allowed of a body of
// unknown length, to see whether there is one too many.
func (s *source) left() int64 {
	if s.length != UnknownLength {
		return s.length - s.read
	}
	return s.most + 1 - s.read
}

// judge turns what the body said into the closed list.
func (s *source) judge(err error) error {
	switch {
	case s.length == UnknownLength && s.read > s.most:
		return ErrTooLarge
	case err == nil:
		return nil
	case err == io.EOF && s.length != UnknownLength && s.read < s.length:
		return ErrShortBody
	case err == io.EOF:
		return io.EOF
	case errors.Is(err, ErrIdle), errors.Is(err, ErrShortBody), errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnavailable):
		return err
	}
	return fmt.Errorf("%w: %w", ErrShortBody, err)
}

// failure is the client's error, if the body ended with one.
func (s *source) failure() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

func (s *source) mark() int64            { return s.read }
func (s *source) rewind(mark int64) bool { return s.read == mark }
