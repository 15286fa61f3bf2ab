package proxy

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const hasPatience = true

// setLowWater makes the kernel say that there is something to read when so many
// bytes have come, or the connection has ended; 0: any. First it makes room for
// twice as many, so that the client need not stop meanwhile.
func setLowWater(raw syscall.RawConn, bytes int) error {
	var err error
	failed := raw.Control(func(fd uintptr) {
		if bytes > 0 {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, 2*bytes)
		}
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, max(1, bytes))
	})
	if failed != nil {
		return failed
	}
	return err
}

// ripe says whether as many bytes have come as the kernel waits for, or the
// connection has ended.
func ripe(fd uintptr) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLRDHUP}}, 0)
	return n != 0 || err != nil
}

// readNow reads what is there, whatever the deadline. 0: nothing, or an error
// that the next read will meet.
func readNow(raw syscall.RawConn, buf []byte) int {
	n := 0
	_ = raw.Control(func(fd uintptr) {
		n, _, _ = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
	})
	return max(0, n)
}
