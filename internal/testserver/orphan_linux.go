package testserver

import "syscall"

// endWithParent makes the kernel end a server whose test was killed: then no
// cleanup runs.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
