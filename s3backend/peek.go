//go:build linux || darwin

package s3backend

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const canPeek = true

// readable says whether a read would not wait: there are bytes, or the end.
func readable(raw syscall.RawConn) bool {
	ready := true
	err := raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		ready = err != unix.EAGAIN && err != unix.EINTR
	})
	return ready || err != nil
}
