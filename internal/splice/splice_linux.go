package splice

import (
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// flags: nobody waits inside of the kernel; Go's poller does it outside.
const flags = unix.SPLICE_F_NONBLOCK | unix.SPLICE_F_MOVE

// Supported says whether this process may splice.
var Supported = sync.OnceValue(func() bool { return probe() == nil })

// probe splices a byte from one pipe to another.
func probe() error {
	var pipes [2]*Pipe
	for i := range pipes {
		p, err := New()
		if err != nil {
			return err
		}
		defer p.Close()
		pipes[i] = p
	}
	if _, err := unix.Write(pipes[0].w, []byte{'x'}); err != nil {
		return err
	}
	_, err := moved(pipes[0].r, pipes[1].w, 1)
	return err
}

// Pipe holds bytes on their way, at most Capacity of them. It is for one
// goroutine at a time. What a failed call leaves in it is lost: close it.
type Pipe struct {
	r, w int
	held int // bytes
}

// New makes an empty pipe. It fails when the user has too many of that size.
func New() (*Pipe, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	p := &Pipe{r: fds[0], w: fds[1]}
	if _, err := unix.FcntlInt(uintptr(p.w), unix.F_SETPIPE_SZ, Capacity); err != nil {
		p.Close()
		return nil, os.NewSyscallError("fcntl", err)
	}
	return p, nil
}

// Close frees the pipe and what it holds.
func (p *Pipe) Close() {
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// Len is how many bytes the pipe holds.
func (p *Pipe) Len() int { return p.held }

// Fill waits until from has bytes, under its read deadline, and takes up to most
// of them into the pipe, which is empty. It answers how many, at least one;
// io.EOF at the end of the connection.
func (p *Pipe) Fill(from syscall.RawConn, most int) (int, error) {
	var n int64
	var err error
	waited := from.Read(func(fd uintptr) bool {
		n, err = moved(int(fd), p.w, most)
		return err != unix.EAGAIN
	})
	switch {
	case waited != nil:
		return 0, waited
	case err != nil:
		return 0, os.NewSyscallError("splice", err)
	case n == 0:
		return 0, io.EOF
	}
	p.held += int(n)
	return int(n), nil
}

// Drain gives all that the pipe holds to a connection, and waits for that. It
// answers how many bytes were given, with an error too.
func (p *Pipe) Drain(to syscall.RawConn) (int, error) {
	given := 0
	for p.held > 0 {
		var n int64
		var err error
		waited := to.Write(func(fd uintptr) bool {
			n, err = moved(p.r, int(fd), p.held)
			return err != unix.EAGAIN
		})
		switch {
		case waited != nil:
			return given, waited
		case err != nil:
			return given, os.NewSyscallError("splice", err)
		case n == 0:
			return given, io.ErrUnexpectedEOF
		}
		p.held -= int(n)
		given += int(n)
	}
	return given, nil
}

// moved is splice(2), repeated when a signal interrupts it.
func moved(from, to, most int) (int64, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, most, flags)
		if err != unix.EINTR {
			return n, err
		}
	}
}
