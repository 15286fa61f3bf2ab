package s3backend

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// acknowledged is how many bytes the other side's kernel has taken; 0 where ours
// does not say. raw may be nil.
func acknowledged(raw syscall.RawConn) int64 {
	if raw == nil {
		return 0
	}
	var n int64
	_ = raw.Control(func(fd uintptr) { // a closed connection has taken nothing more
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = int64(info.Bytes_acked)
		}
	})
	return n
}
