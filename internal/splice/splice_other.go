//go:build !linux

package splice

import (
	"errors"
	"syscall"
)

// Supported is false.
func Supported() bool { return false }

// Pipe cannot be made here.
type Pipe struct{}

// New says errors.ErrUnsupported, as all the others do.
func New() (*Pipe, error) { return nil, errors.ErrUnsupported }

func (*Pipe) Fill(syscall.RawConn, int) (int, error) { return 0, errors.ErrUnsupported }
func (*Pipe) Drain(syscall.RawConn) (int, error)     { return 0, errors.ErrUnsupported }
func (*Pipe) Len() int                               { return 0 }
func (*Pipe) Close()                                 {}
