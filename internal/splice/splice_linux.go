package splice

import (
	"fmt"
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

// probe sends a byte through everything but a socket.
func probe() error {
	var pipes [3]*Pipe
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
	pipes[0].held = 1
	if err := pipes[0].Share(pipes[1]); err != nil {
		return err
	}
	_, err := unix.Splice(pipes[0].r, nil, pipes[2].w, nil, 1, flags)
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

// Announce sends b, which more bytes follow: a packet is not sent for it alone.
func Announce(to syscall.RawConn, b []byte) (int, error) {
	sent := 0
	for sent < len(b) {
		var n int64
		var err error
		waited := to.Write(func(fd uintptr) bool {
			n, err = interrupted(func() (int64, error) {
				n, err := unix.SendmsgN(int(fd), b[sent:], nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
				return int64(n), err
			})
			return err != unix.EAGAIN
		})
		switch {
		case waited != nil:
			return sent, waited
		case err != nil:
			return sent, os.NewSyscallError("sendmsg", err)
		}
		sent += int(n)
	}
	return sent, nil
}

// Share puts what the pipe holds into q, which is empty, as well.
func (p *Pipe) Share(q *Pipe) error {
	n, err := interrupted(func() (int64, error) { return unix.Tee(p.r, q.w, p.held, unix.SPLICE_F_NONBLOCK) })
	if err != nil {
		return os.NewSyscallError("tee", err)
	}
	q.held = int(n)
	if q.held != p.held { // both have the same number of slots
		return fmt.Errorf("tee shared %d of %d bytes", n, p.held)
	}
	return nil
}

// Read takes bytes out, and says io.EOF when there are none.
func (p *Pipe) Read(b []byte) (int, error) {
	if p.held == 0 {
		return 0, io.EOF
	}
	n, err := interrupted(func() (int64, error) { n, err := unix.Read(p.r, b); return int64(n), err })
	if err != nil {
		return 0, os.NewSyscallError("read", err)
	}
	p.held -= int(n)
	return int(n), nil
}

func moved(from, to, most int) (int64, error) {
	return interrupted(func() (int64, error) { return unix.Splice(from, nil, to, nil, most, flags) })
}

// interrupted repeats what a signal interrupted.
func interrupted(call func() (int64, error)) (int64, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}
